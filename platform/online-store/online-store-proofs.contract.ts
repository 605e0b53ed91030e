import { randomBytes } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { write, type OpenStore, type Use } from './online-store-races.contract.ts';
import type { OnlineStore, StoredHead } from './port.ts';

const owned = (key: string, value: string | null, version: number, owner: string) => ({
  ...write(key, value, version),
  owner,
});

async function scanned(store: OnlineStore): Promise<ReadonlyMap<string, StoredHead>> {
  const found = new Map<string, StoredHead>();
  for await (const heads of store.scan()) for (const head of heads) found.set(head.key, head);
  return found;
}

/** What is written only where a certain version is stored. */
export function conditions(use: Use): void {
  it('sets a key only where the version that is expected is stored', async () => {
    const { store, key } = use();
    const set = (value: string, version: number, expected: number | null) =>
      store.setIfVersion([{ ...owned(key, value, version, 'task-0'), expected }]);
    expect(await set('of nothing', 5, 4)).toEqual([false]);
    expect(await set('first', 7, null)).toEqual([true]);
    expect(await set('twice', 8, null)).toEqual([false]);
    // The version may also fall: what is expected decides alone.
    expect(await set('second', 6, 7)).toEqual([true]);
    expect(await set('late', 9, 7)).toEqual([false]);
    expect(await store.readRecords([key])).toEqual([
      { key, version: 6, value: 'second', owner: 'task-0', isDeleted: false },
    ]);
    await store.delete([key]);
    expect(await set('anew', Number.MAX_SAFE_INTEGER, null)).toEqual([true]);
    expect(await set('of the largest', 1, Number.MAX_SAFE_INTEGER)).toEqual([true]);
  });

  it('lets one of many win who expect the same', async () => {
    const { store, key } = use();
    for (let expected: number | null = null, round = 1; round <= 20; expected = round++) {
      const rivals = Array.from({ length: 8 }, (_, n) =>
        store.setIfVersion([{ ...write(key, `rival ${n}`, round), expected }]),
      );
      expect((await Promise.all(rivals)).flat().filter(Boolean)).toHaveLength(1);
    }
  });

  it('counts an expired version as none', async () => {
    const { store, key } = use();
    await store.setIfVersion([{ ...write(key, 'short', 9, 60), expected: null }]);
    await vi.waitFor(
      async () =>
        expect(await store.setIfVersion([{ ...write(key, 'anew', 1), expected: null }])).toEqual([true]),
      { interval: 10 },
    );
    expect(await store.readMany([key])).toEqual(['anew']);
  });

  it('refuses owners that could not be told from a value', async () => {
    const { store, key } = use();
    for (const owner of ['', 'a:b', 'a!', 'a b', 'x'.repeat(101), 'ü'])
      await expect(store.setIfNewer([owned(key, 'v', 1, owner)])).rejects.toMatchObject({
        code: 'MR_ONLINE_STORE_FAILED',
      });
    expect(await store.setIfNewer([owned(key, 'v', 1, 'x.Y_1-'.repeat(16))])).toEqual([true]);
  });
}

/** Who looks through everything that is there. */
export function lookingThrough(use: Use, open: OpenStore): void {
  it('reads records with versions and owners, in the order of the keys', async () => {
    const { store, key } = use();
    const value = '9@other:x';
    await store.setIfNewer([owned(key, value, 7, 'task-1'), write(`${key}plain`, '', 2)]);
    await store.setIfNewer([owned(`${key}gone`, null, 3, 'task-2')]);
    await store.setIfAbsent(`${key}lease`, 'holder', 60_000);
    const keys = ['gone', 'absent', '', 'lease', 'plain'].map((name) => key + name);
    expect(await store.readRecords(keys)).toEqual([
      { key: `${key}gone`, version: 3, value: null, owner: 'task-2', isDeleted: true },
      null,
      { key, version: 7, value, owner: 'task-1', isDeleted: false },
      null,
      { key: `${key}plain`, version: 2, value: '', owner: null, isDeleted: false },
    ]);
    expect(await store.readMany([key])).toEqual([value]);
  });

  it('scans every versioned key under its prefix, and no other', async () => {
    const prefix = `scan-${randomBytes(6).toString('hex')}[*]?:`;
    const store = await open(prefix);
    const neighbour = await open(`${prefix.slice(0, -4)}x]?:`);
    try {
      expect(await scanned(store)).toEqual(new Map());
      const names = Array.from({ length: 2500 }, (_, n) => `k{${n}}`);
      await store.setIfNewer(names.map((name, n) => owned(name, 'v'.repeat(n), n + 1, `task-${n % 3}`)));
      await store.setIfNewer([owned('gone', null, 1, 'task-0'), write('short', 'v', 1, 1)]);
      await store.setIfAbsent('lease', 'v', 60_000);
      await neighbour.setIfNewer([write('foreign', 'v', 1)]);
      await vi.waitFor(async () => expect(await store.readMany(['short'])).toEqual([null]), { interval: 5 });
      const found = await scanned(store);
      expect([...found.keys()].sort()).toEqual([...names, 'gone'].sort());
      expect(found.get('k{2000}')).toEqual({
        ...{ key: 'k{2000}', version: 2001, owner: 'task-2', isDeleted: false },
      });
      expect(found.get('gone')).toMatchObject({ isDeleted: true });
      await store.delete([...found.keys(), 'lease']);
      await neighbour.delete(['foreign']);
    } finally {
      await store.close();
      await neighbour.close();
    }
  });
}
