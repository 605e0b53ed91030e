import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { openOnlineStore } from './index.ts';
import { onlineStoreContract } from './online-store.contract.ts';
import type { OnlineStore } from './port.ts';

const log = silentLogger();
const given = process.env['MR_TEST_REDIS_URL'];
const hasBinary = spawnSync('redis-server', ['--version']).status === 0;
const inCi = process.env['CI'] !== undefined;

function openAt(url: string, keyPrefix: string, deadlineMs = 2000): Promise<OnlineStore> {
  return openOnlineStore({ redis: { url: new Secret(url) }, dataDir: '.', keyPrefix, deadlineMs, log });
}

describe.skipIf(given === undefined && !inCi)('a Redis server (skipped without MR_TEST_REDIS_URL)', () => {
  onlineStoreContract('Redis', (keyPrefix) => {
    if (given === undefined) throw new Error('MR_TEST_REDIS_URL is not set');
    return openAt(given, keyPrefix);
  });
});

describe('without Redis', () => {
  it('rejects in time where nobody listens', async () => {
    const port = await freePort();
    await expect(openAt(`redis://127.0.0.1:${port}`, '')).rejects.toMatchObject({
      code: 'MR_ONLINE_STORE_UNAVAILABLE',
      retryable: true,
    });
  });
});

describe.skipIf(!hasBinary && !inCi)('Redis stopped and started (skipped without redis-server)', () => {
  let dir: string;
  let port: number;
  let server: ChildProcess | undefined;
  let stores: OnlineStore[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    stores = [];
    await stop();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function start(...options: string[]): Promise<void> {
    server = spawn(
      'redis-server',
      [
        '--port',
        `${port}`,
        '--bind',
        '127.0.0.1',
        '--dir',
        dir,
        '--save',
        '',
        '--appendonly',
        'no',
        ...options,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const { stdout } = server;
    if (stdout === null) throw new Error('no stdout');
    for await (const chunk of stdout) if (String(chunk).includes('Ready to accept connections')) break;
    stdout.resume();
  }

  async function stop(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGCONT'); // one test stops it in its tracks
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  async function open(deadlineMs: number): Promise<OnlineStore> {
    const store = await openAt(`redis://127.0.0.1:${port}`, 'outage:', deadlineMs);
    stores.push(store);
    return store;
  }

  const entry = (version: number) => ({ key: 'k', value: `v${version}`, version, ttlMs: 60_000 });

  it('fails at once while Redis is down, and goes on by itself when it is back, scripts and subscriptions included', async () => {
    port = await freePort();
    await start();
    const store = await open(1000);
    const received: string[] = [];
    await store.subscribe('news', (message) => received.push(message));
    expect(await store.setIfNewer([entry(1)])).toEqual([true]);
    await store.publish('news', 'before');
    await vi.waitFor(() => expect(received).toEqual(['before']));

    await stop();
    const startedMs = performance.now();
    for (const call of [
      () => store.setIfNewer([entry(2)]),
      () => store.readMany(['k']),
      () => store.setIfAbsent('l', '', 1000),
      () => store.publish('news', 'lost'),
      () => store.ping(300),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE', retryable: true });
    expect(performance.now() - startedMs).toBeLessThan(2000);

    await start();
    await vi.waitFor(async () => expect(await store.setIfNewer([entry(3)])).toEqual([true]), {
      timeout: 10_000,
    });
    expect(await store.readMany(['k'])).toEqual(['v3']);
    await vi.waitFor(
      async () => {
        await store.publish('news', 'after');
        expect(received).toContain('after');
      },
      { timeout: 10_000 },
    );
  });

  it('gives up on a Redis that hangs, without blocking other calls, and recovers', async () => {
    port = await freePort();
    await start();
    const store = await open(200);
    await store.setIfNewer([entry(1)]);
    server?.kill('SIGSTOP');
    const startedMs = performance.now();
    const results = await Promise.allSettled([
      store.setIfNewer([entry(2)]),
      store.readMany(['k']),
      store.setManyIfAbsent(['a', 'b'], 1000),
    ]);
    expect(performance.now() - startedMs).toBeLessThan(1500);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    server?.kill('SIGCONT');
    await vi.waitFor(async () => expect(await store.setIfNewer([entry(9)])).toEqual([true]), {
      timeout: 10_000,
    });
  });

  it('loads its script again after SCRIPT FLUSH', async () => {
    port = await freePort();
    await start();
    const store = await open(1000);
    await store.setIfNewer([entry(1)]);
    const admin = new Redis(port);
    await admin.script('FLUSH');
    await admin.quit();
    expect(await store.setIfNewer([entry(2), { ...entry(1), key: 'other' }])).toEqual([true, true]);
  });

  it('says that credentials are refused, which no repetition heals', async () => {
    port = await freePort();
    await start('--requirepass', 'right');
    await expect(openAt(`redis://:wrong@127.0.0.1:${port}`, '')).rejects.toMatchObject({
      code: 'MR_ONLINE_STORE_FAILED',
      retryable: false,
    });
    const store = await openAt(`redis://:right@127.0.0.1:${port}`, '');
    stores.push(store);
    await expect(store.ping(1000)).resolves.toBeUndefined();
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
