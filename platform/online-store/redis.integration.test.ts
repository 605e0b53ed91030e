import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisInstalled } from '../../cli/stack/redis-server.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { redisCall } from '../../test/harness/redis-call.ts';
import { requireService, skipOrFail } from '../../test/harness/require-service.ts';
import { spawnRedis, type SpawnedRedis } from '../../test/harness/spawn-redis.ts';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { openOnlineStore } from './index.ts';
import { onlineStoreContract } from './online-store.contract.ts';
import type { OnlineStore } from './port.ts';

const log = silentLogger();
const given = requireService('redis');
const binary = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');

function openAt(url: string, keyPrefix: string, deadlineMs = 5000): Promise<OnlineStore> {
  return openOnlineStore({ redis: { url: new Secret(url) }, dataDir: '.', keyPrefix, deadlineMs, log });
}

// The server of MR_TEST_REDIS_URL, or else one of this file's own.
const server = given.isMissing ? binary : given;
describe.skipIf(server.isMissing)(server.title('a Redis server'), () => {
  let own: SpawnedRedis | undefined;
  beforeAll(async () => {
    if (given.isMissing) own = await spawnRedis();
  });
  afterAll(() => own?.stop());
  onlineStoreContract('Redis', (keyPrefix) => openAt(own?.url ?? given.address, keyPrefix));
});

describe.skipIf(binary.isMissing)(binary.title('Redis in trouble'), () => {
  let redis: SpawnedRedis;
  let stores: OnlineStore[] = [];

  beforeAll(async () => {
    redis = await spawnRedis({ extra: ['--appendonly', 'no'] });
  });
  afterEach(async () => {
    redis.resume();
    for (const store of stores) await store.close();
    stores = [];
    await redisCall(redis.port, 'FLUSHALL');
  });
  afterAll(() => redis.stop());

  async function open(deadlineMs: number): Promise<OnlineStore> {
    const store = await openAt(redis.url, 'outage:', deadlineMs);
    stores.push(store);
    return store;
  }

  const entry = (version: number) => ({ key: 'k', value: `v${version}`, version, ttlMs: 60_000 });
  const unavailable = { code: 'MR_ONLINE_STORE_UNAVAILABLE', retryable: true };
  const everyCall = (store: OnlineStore) => [
    () => store.setIfNewer([entry(2)]),
    () => store.readMany(['k']),
    () => store.setIfAbsent('l', '', 1000),
    () => store.setManyIfAbsent(['a', 'b'], 1000),
    () => store.renewLease('l', '', 1000),
    () => store.releaseLease('l', ''),
    () => store.delete(['x']),
    () => store.publish('news', 'lost'),
    () => store.subscribe('more', () => undefined),
    () => store.ping(300),
    () => store.info(300),
  ];

  it('fails at once while Redis is down, and goes on by itself when it is back, scripts and subscriptions included', async () => {
    const store = await open(1000);
    const received: string[] = [];
    await store.subscribe('news', (message) => received.push(message));
    expect(await store.setIfNewer([entry(1)])).toEqual([true]);
    await store.publish('news', 'before');
    await vi.waitFor(() => expect(received).toEqual(['before']));

    await redis.kill();
    await vi.waitFor(() => expect(store.ping(300)).rejects.toThrow(/there is no connection to Redis/));
    const startedMs = performance.now();
    const outcomes = await Promise.allSettled(everyCall(store).map((call) => call()));
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await vi.waitFor(() => expect(store.ping(300)).rejects.toThrow(/nothing listens on that port/));

    await redis.restart();
    await vi.waitFor(async () => expect(await store.setIfNewer([entry(3)])).toEqual([true]), {
      timeout: 10_000,
    });
    expect(await store.readMany(['k'])).toEqual(['v3']);
    // In order and without a double, from the first that comes.
    let sent = 0;
    await vi.waitFor(
      async () => {
        await store.publish('news', `after ${++sent}`);
        expect(received.length).toBeGreaterThan(3);
      },
      { timeout: 10_000, interval: 20 },
    );
    const after = received.slice(1).map((message) => Number(message.replace('after ', '')));
    expect(after).toEqual(after.map((_, i) => (after[0] ?? 0) + i));
  });

  it('gives up on a Redis that hangs within the deadline of each call, and recovers', async () => {
    const store = await open(200);
    await store.setIfNewer([entry(1)]);
    redis.pause();
    // Longer than the connection is kept: first it stands, then it is made anew without success.
    for (const untilMs = performance.now() + 4000; performance.now() < untilMs; ) {
      const startedMs = performance.now();
      const outcomes = await Promise.allSettled(everyCall(store).map((call) => call()));
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable });
      expect(performance.now() - startedMs).toBeLessThan(1500);
    }
    redis.resume();
    await vi.waitFor(async () => expect(await store.setIfNewer([entry(9)])).toEqual([true]), {
      timeout: 10_000,
    });
  });

  it('counts one deadline for a call of many batches', async () => {
    const store = await open(300);
    redis.pause();
    const startedMs = performance.now();
    const writes = Array.from({ length: 10_000 }, (_, i) => ({ ...entry(1), key: `k${i}` }));
    await expect(store.setIfNewer(writes)).rejects.toMatchObject(unavailable);
    expect(performance.now() - startedMs).toBeLessThan(900);
  });

  it('bounds what waits for a Redis that hangs, and refuses at once what is above', async () => {
    const store = await open(1500);
    const value = 'x'.repeat(2 ** 20);
    redis.pause();
    const calls = Array.from({ length: 200 }, (_, i) =>
      store.setIfNewer([{ ...entry(1), key: `k${i}`, value }]).catch((error: unknown) => error as Error),
    );
    const startedMs = performance.now();
    const first = (await Promise.race(calls.toReversed())) as Error;
    expect(first.message).toMatch(/too many calls wait/);
    expect(performance.now() - startedMs).toBeLessThan(500);
    const reasons = (await Promise.all(calls)).map((error) => (error as Error).message);
    const refused = reasons.filter((reason) => reason.includes('too many calls wait')).length;
    expect([refused, reasons.length - refused]).toEqual([137, 63]);
    redis.resume();
    await vi.waitFor(async () => expect(await store.readMany(['other'])).toEqual([null]), {
      timeout: 10_000,
    });
  });

  it('subscribes again when only the connection of the subscription is lost', async () => {
    const store = await open(1000);
    const received: string[] = [];
    await store.subscribe('news', (message) => received.push(message));
    await redisCall(redis.port, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
    await vi.waitFor(
      async () => {
        await store.publish('news', 'after');
        expect(received).toContain('after');
      },
      { timeout: 5000 },
    );
  });

  it('takes part in the life of its scripts: flushed, also in the middle of many calls', async () => {
    const store = await open(2000);
    await store.setIfNewer([entry(1)]);
    await redisCall(redis.port, 'SCRIPT', 'FLUSH');
    expect(await store.setIfNewer([entry(2), { ...entry(1), key: 'other' }])).toEqual([true, true]);
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 20 }, (_, i) =>
        store.setIfNewer([{ ...entry(100 + round), key: `r${i}` }]),
      );
      await redisCall(redis.port, 'SCRIPT', 'FLUSH');
      expect((await Promise.all(calls)).flat()).toEqual(calls.map(() => true));
    }
    await redisCall(redis.port, 'SCRIPT', 'FLUSH');
    expect(await store.setIfAbsent('l', 'me', 60_000)).toBe(true);
    expect(await store.renewLease('l', 'me', 60_000)).toBe(true);
    expect(await store.releaseLease('l', 'me')).toBe(true);
  });

  it('decides between processes as between the clients of one: each version and each lease goes to one at most', async () => {
    const code = `
      const { openOnlineStore } = await import(process.argv[1]);
      const { silentLogger } = await import(process.argv[2]);
      const { Secret } = await import(process.argv[3]);
      const redis = { url: new Secret(process.argv[4]) };
      const store = await openOnlineStore({ redis, dataDir: '.', keyPrefix: 'race:', deadlineMs: 5000, log: silentLogger() });
      console.log('here');
      while ((await store.readMany(['go']))[0] === null);
      const [applied, won] = [[], []];
      for (let i = 1; i <= 300; i++) {
        const [isApplied] = await store.setIfNewer([{ key: 'k', value: String(i), version: i, ttlMs: 60000 }]);
        if (isApplied) applied.push(i);
        if (await store.setIfAbsent('lease' + i, String(process.pid), 60000)) won.push(i);
      }
      await store.close();
      console.log(JSON.stringify({ applied, won }));
    `;
    const modules = ['./index.ts', '../log.ts', '../config.ts'].map(
      (path) => new URL(path, import.meta.url).href,
    );
    const args = ['--import', 'tsx', '--input-type=module', '-e', code, ...modules, redis.url];
    const children = [0, 1, 2].map(() => {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      return { here: once(child.stdout, 'data'), said: text(child.stdout) };
    });
    const store = await openAt(redis.url, 'race:');
    stores.push(store);
    await Promise.all(children.map(({ here }) => here));
    await store.setIfNewer([{ ...entry(1), key: 'go' }]);
    const answers = (await Promise.all(children.map(({ said }) => said))).map(
      (said) =>
        JSON.parse(said.split('\n')[1] ?? '') as { readonly applied: number[]; readonly won: number[] },
    );
    const applied = answers.flatMap((answer) => answer.applied);
    expect(new Set(applied).size).toBe(applied.length);
    expect(applied).toContain(300);
    expect(answers.flatMap((answer) => answer.won).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
  });

  it('says "later" while Redis has no memory left, and goes on when it has', async () => {
    const store = await open(1000);
    await redisCall(redis.port, 'CONFIG', 'SET', 'maxmemory', '1mb');
    await expect(store.setIfNewer([entry(1)])).rejects.toMatchObject(unavailable);
    await redisCall(redis.port, 'CONFIG', 'SET', 'maxmemory', '0');
    expect(await store.setIfNewer([entry(1)])).toEqual([true]);
  });

  it('waits for a Redis that is about to start, and not for ever for one that never does', async () => {
    const nobody = `redis://127.0.0.1:${await freePort()}`;
    await expect(openAt(nobody, '')).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('nothing listens on that port') as string,
    });
    await redis.kill();
    const opening = open(1000);
    await redis.restart();
    await expect((await opening).ping(1000)).resolves.toBeUndefined();
  });
});
