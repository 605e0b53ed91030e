import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { clickHouseContract, FACTS_DDL, factRow } from './clickhouse.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openClickHouse } from './open.ts';
import type { ClickHouse } from './port.ts';
import { createBatchWriter } from './writer.ts';
import { writerContract } from './writer.contract.ts';

const log = silentLogger();
let path: string;
/** Keeps the engine alive between the connections of the requests. */
let engine: ReturnType<typeof createChdbConnection>;
let server: Server;
let port: number;
let databases = 0;

function openAt(at: number, connectTimeoutMs = 5000): Promise<ClickHouse> {
  return openClickHouse({
    config: {
      url: `http://127.0.0.1:${at}`,
      user: 'default',
      password: new Secret(''),
      database: `http_${++databases}`,
    },
    dataDir: path,
    log,
    connectTimeoutMs,
  });
}

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-http-'));
  engine = createChdbConnection({ path });
  server = await listen(0);
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  await stop();
  await engine.close();
  await rm(path, { recursive: true, force: true });
});

// The client's whole HTTP path against the real engine; a real server is tested in clickhouse.integration.test.ts.
clickHouseContract('HTTP', () => openAt(port));
migrateContract('HTTP', () => openAt(port));
writerContract('HTTP', () => openAt(port));

describe('ClickHouse over HTTP', () => {
  it('rejects at once where nobody listens', async () => {
    await expect(openAt(1)).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_UNAVAILABLE', retryable: true });
  });

  it('rejects in time where somebody takes the connection and never answers', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const startedMs = performance.now();
    await expect(openAt((silent.address() as AddressInfo).port, 200)).rejects.toMatchObject({
      code: 'MR_CLICKHOUSE_UNAVAILABLE',
      context: { timeoutMs: 200 },
    });
    expect(performance.now() - startedMs).toBeLessThan(2000);
    silent.close();
  });

  it('writes every row once the server is back after an outage', async () => {
    const clickhouse = await openAt(port);
    await clickhouse.command(FACTS_DDL);
    let retries = 0;
    const writer = createBatchWriter(clickhouse, {
      maxRows: 50,
      maxBytes: 1e6,
      log,
      retryDelayMs: { initial: 5, max: 20 },
      onRetry: () => {
        retries++;
        if (retries === 3) void listen(port).then((again) => (server = again));
      },
    });
    const flushes: Promise<void>[] = [];
    for (let offset = 0; offset < 500; offset++) {
      writer.add('facts', [factRow(offset)]);
      if (offset === 100) {
        await writer.flush();
        await stop();
      }
      if (offset % 100 === 50) flushes.push(writer.flush());
    }
    await Promise.all([...flushes, writer.flush()]);
    expect(retries).toBeGreaterThanOrEqual(3);
    expect(writer.pendingRows).toBe(0);
    expect(
      await clickhouse.query('SELECT count() AS n, uniqExact(_offset) AS offsets FROM facts FINAL'),
    ).toEqual([{ n: 500, offsets: 500 }]);
    await clickhouse.close();
  });
});

async function listen(at: number): Promise<Server> {
  const created = createServer((request, response) => void answer(request, response)).listen(at, '127.0.0.1');
  await once(created, 'listening');
  return created;
}

async function stop(): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** As much of ClickHouse's HTTP interface as the client uses, in front of the engine in process. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const settings: Record<string, string> = {};
  const params: string[] = [];
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) params.push(`SET ${name} = '${value.replace(/[\\']/g, '\\$&')}';`);
    else if (!['query', 'database', 'query_id', 'session_id'].includes(name)) settings[name] = value;
  }
  const query = `${params.join(' ')} ${url.searchParams.get('query') ?? ''}${await text(request)}`;
  const client = createClient({ connection: createChdbConnection({ path }) });
  try {
    await client.command({ query: `USE \`${url.searchParams.get('database') ?? 'default'}\`` });
    const { stream } = await client.exec({ query, clickhouse_settings: settings });
    response.end(await text(stream));
  } catch (error) {
    const { code, message, type } = error as { code?: string; message: string; type?: string };
    response.writeHead(500, { 'x-clickhouse-exception-code': code ?? '0' });
    response.end(`Code: ${code ?? '0'}. DB::Exception: ${message} (${type ?? 'UNKNOWN'}) (version 26.7)`);
  } finally {
    await client.close();
  }
}
