import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import { openOnlineStore } from './index.ts';
import { onlineStoreContract } from './online-store.contract.ts';
import type { OnlineStore } from './port.ts';
import { expiryWalk } from './sweeper.ts';

const log = silentLogger();
let dataDir: string;

function open(keyPrefix: string, now?: () => number): Promise<OnlineStore> {
  return openOnlineStore({
    redis: { url: undefined },
    dataDir,
    keyPrefix,
    log,
    deadlineMs: 5000,
    ...(now ? { now } : {}),
  });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-lmdb-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

onlineStoreContract('LMDB', open);

describe('the online store on LMDB', () => {
  it('keeps values, versions and leases when it is closed and opened again', async () => {
    const first = await open('kept:');
    await first.setIfNewer([{ key: 'k', value: 'v', version: 3, ttlMs: 60_000 }]);
    await first.setIfAbsent('lease', 'me', 60_000);
    await first.close();
    const second = await open('kept:');
    expect(await second.readMany(['k'])).toEqual(['v']);
    expect(await second.setIfNewer([{ key: 'k', value: 'old', version: 2, ttlMs: 60_000 }])).toEqual([false]);
    expect(await second.setIfAbsent('lease', 'you', 60_000)).toBe(false);
    await second.close();
  });

  it('expires to the millisecond of its clock', async () => {
    let nowMs = 1_000_000;
    const store = await open('clock:', () => nowMs);
    await store.setIfNewer([{ key: 'k', value: 'v', version: 1, ttlMs: 500 }]);
    nowMs += 499;
    expect(await store.readMany(['k'])).toEqual(['v']);
    nowMs += 1;
    expect(await store.readMany(['k'])).toEqual([null]);
    await store.close();
  });

  it('says what to do where lmdb cannot be loaded', async () => {
    const refused = openOnlineStore({
      redis: { url: undefined },
      dataDir,
      keyPrefix: '',
      log,
      loadLmdb: () => Promise.reject(new Error("Cannot find package 'lmdb'")),
    });
    await expect(refused).rejects.toMatchObject({ code: 'MR_EMBEDDED_UNAVAILABLE', retryable: false });
    await expect(refused).rejects.toThrow(/MR_REDIS_URL/);
  });
});

describe('the sweep of expired records', () => {
  it('removes what has expired and nothing else, over more records than one step sees', async () => {
    const root = openLmdb({ path: join(dataDir, 'sweep'), noSubdir: false, maxDbs: 1 });
    const database = root.openDB<readonly [number]>({ name: 'records', encoding: 'msgpack' });
    await root.transaction(() => {
      for (let i = 0; i < 5000; i++) void database.put(`key-${String(i).padStart(5, '0')}`, [i]);
    });
    let nowMs = 2500;
    const walk = expiryWalk(root, { database, expiryOf: ([expiresAtMs]) => expiresAtMs }, () => nowMs);
    const left = () => [...database.getRange({})].map(({ value: [expiresAtMs] }) => expiresAtMs);
    for (let step = 0; step < 3; step++) await walk.step();
    expect(left()).toEqual(Array.from({ length: 2499 }, (_, i) => 2501 + i));
    nowMs = 10_000;
    for (let step = 0; step < 4; step++) await walk.step();
    expect(left()).toEqual([]);
    await root.close();
  });
});
