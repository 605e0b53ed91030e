import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../config.ts';
import { createClickHouseServer } from '../http/clickhouse/index.ts';
import { silentLogger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { clickHouseContract, FACTS_DDL, factRow } from './clickhouse.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openClickHouse } from './open.ts';
import type { ClickHouse } from './port.ts';
import { openStatementPool, type StatementPool } from './statement-pool.ts';
import { createBatchWriter } from './writer.ts';
import { writerContract } from './writer.contract.ts';

const log = silentLogger();
let path: string;
let pool: StatementPool;
let server: Awaited<ReturnType<typeof listen>>;
let port: number;
let databases = 0;

function configOf(at: number) {
  return {
    url: `http://127.0.0.1:${at}`,
    user: 'default',
    password: new Secret(''),
    database: `http_${++databases}`,
  };
}

function openAt(at: number, connectTimeoutMs = 5000): Promise<ClickHouse> {
  return openClickHouse({ config: configOf(at), dataDir: path, log, connectTimeoutMs });
}

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-http-'));
  pool = await openStatementPool({ path, size: 4, maxWaiting: 100 });
  server = await listen(0);
  port = (server.server.address() as AddressInfo).port;
});
afterAll(async () => {
  await stop();
  await pool.close();
  await rm(path, { recursive: true, force: true });
});

// The client's whole HTTP path against the server in this process; one in a process of its own, and a real one where
// there is one, are tested in clickhouse.integration.test.ts.
clickHouseContract('HTTP', () => openAt(port));
migrateContract('HTTP', () => openAt(port));
writerContract('HTTP', () => openAt(port));

describe('ClickHouse over HTTP', () => {
  it('rejects at once where nobody listens', async () => {
    await expect(openAt(1)).rejects.toMatchObject({ code: 'MR_CLICKHOUSE_UNAVAILABLE', retryable: true });
  });

  it('says that the user or the password is wrong', async () => {
    const refused = openClickHouse({
      config: { ...configOf(port), password: new Secret('wrong') },
      dataDir: path,
      log,
    });
    await expect(refused).rejects.toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED', retryable: false });
  });

  it('says in words that the host is not known, that TLS fails, and that a file is missing', async () => {
    const at = (url: string, caFile?: string) =>
      openClickHouse({
        config: { ...configOf(port), url, caFile },
        dataDir: path,
        log,
        connectTimeoutMs: 3000,
      });
    const startedMs = performance.now();
    await expect(at('http://no-such-host.invalid:8123')).rejects.toMatchObject({
      code: 'MR_CLICKHOUSE_UNAVAILABLE',
    });
    expect(performance.now() - startedMs).toBeLessThan(4000);
    await expect(at(`https://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'MR_ENGINE_TLS_FAILED' });
    await expect(at(`https://127.0.0.1:${port}`, '/nowhere.pem')).rejects.toThrow(/MR_CLICKHOUSE_CA_FILE/);
  });

  it('refuses a server that is too old', async () => {
    const old = createServer((_request, response) => response.end('{"version":"23.8.16.16"}\n'));
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    await expect(openAt((old.address() as AddressInfo).port)).rejects.toMatchObject({
      code: 'MR_ENGINE_TOO_OLD',
      context: { engine: 'ClickHouse', actual: '23.8.16.16', least: '24.8' },
    });
    old.close();
  });

  it('states what answers', async () => {
    const clickhouse = await openAt(port);
    expect(await clickhouse.info(1000)).toEqual({
      engine: 'ClickHouse',
      version: expect.stringMatching(/^\d+\.\d+/) as string,
      where: `127.0.0.1:${port}`,
    });
    await clickhouse.close();
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
    const flushes: Promise<unknown>[] = [];
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

async function listen(at: number): Promise<ReturnType<typeof createClickHouseServer>> {
  const created = createClickHouseServer({
    pool,
    accounts: [{ user: 'default', password: new Secret(''), isReader: false }],
    spillDir: join(path, 'tmp'),
    log,
    metrics: createMetrics(),
    now: () => performance.now(),
  });
  await created.listen({ port: at, host: '127.0.0.1' });
  return created;
}

async function stop(): Promise<void> {
  server.server.closeAllConnections();
  await server.close();
}
