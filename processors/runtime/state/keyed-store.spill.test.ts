import { expect, test } from 'vitest';
import { KeyedStore, type StoreOptions } from './keyed-store.ts';
import { memorySpill } from './memory-spill.contract.ts';
import { taskTime } from './store-environment.ts';
import { UndoLog } from './undo-log.ts';

const ALL = 1e9;

function spillingStore<V = number>(options: StoreOptions<V> = {}) {
  const spill = memorySpill();
  const time = taskTime();
  const env = { taskId: 'job-0', time, undo: new UndoLog(), spillMap: (name: string) => spill.map(name) };
  const store = new KeyedStore<V>('s', options, env);
  return { store, time, spill, disk: () => spill.maps.get('job-0/s') };
}

function filled(entries: Record<string, number>, options: StoreOptions<number> = {}) {
  const spilling = spillingStore(options);
  for (const [key, value] of Object.entries(entries)) spilling.store.set(key, value);
  spilling.store.takeChanges();
  return spilling;
}

test('moves what has been committed to disk and nothing else', () => {
  const { store } = filled({ a: 1, b: 2 });
  store.set('b', 3);
  const before = store.bytes;
  expect(store.evict(ALL)).toBeGreaterThan(0);
  expect([store.spilled, store.size]).toEqual([1, 2]);
  expect(store.bytes).toBeLessThan(before);
  expect([...store.entries()]).toEqual([
    ['a', 1],
    ['b', 3],
  ]);
});

test('moves what came into memory first, and about as much as it is asked for', () => {
  const { store } = filled(
    Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, index])),
  );
  store.evict((store.bytes * 3) / 10);
  expect(store.spilled).toBe(30);
  expect(store.takeChanges()).toEqual([]);
});

test('what is read comes back into memory, and goes again without being written', () => {
  const { store, disk } = filled({ a: 1, b: 2 });
  store.evict(ALL);
  expect(disk()?.written).toBe(2);
  expect([store.get('a'), store.get('nobody'), store.spilled, store.size]).toEqual([1, undefined, 1, 2]);
  store.evict(ALL);
  expect([store.spilled, disk()?.written]).toEqual([2, 2]);
  expect(store.get('a')).toBe(1);
});

test('a copy that is out of date never shows', () => {
  const { store, disk } = filled({ a: 1, b: 2, c: 3, d: 4 });
  store.evict(ALL);
  store.get('a');
  store.set('a', 10);
  store.set('b', 20);
  store.delete('c');
  store.delete('d');
  store.set('d', 40);
  expect(new Map(store.entries())).toEqual(new Map(Object.entries({ a: 10, b: 20, d: 40 })));
  expect([store.size, store.has('c'), store.get('c')]).toEqual([3, false, undefined]);
  expect(store.takeChanges().map(({ key, value }) => [key, value?.toString()])).toEqual([
    ['a', '10'],
    ['b', '20'],
    ['c', undefined],
    ['d', '40'],
  ]);
  expect(disk()?.size).toBe(0);
  store.evict(ALL);
  expect(new Map(store.entries())).toEqual(new Map(Object.entries({ a: 10, b: 20, d: 40 })));
});

test('entries may be changed and deleted while they are walked', () => {
  const { store } = filled({ a: 1, b: 2, c: 3, d: 4 });
  store.evict(store.bytes / 2);
  expect(store.spilled).toBe(2);
  const seen: string[] = [];
  for (const [key, value] of store.entries()) {
    seen.push(key);
    store.set(key, value + 1);
    store.set(`new ${key}`, 0);
    if (key === 'a') store.delete('b');
    if (key === 'c') store.delete('d');
  }
  expect(seen).toEqual(['a', 'c']);
  expect([store.get('a'), store.get('c'), store.has('b'), store.has('d')]).toEqual([2, 4, false, false]);
});

test('a bounded store forgets what was written longest ago, on disk and back in memory', () => {
  const { store } = filled({ a: 1, b: 2, c: 3 }, { maxEntries: 3 });
  store.evict(ALL);
  store.get('a');
  store.set('d', 4);
  store.set('b', 20);
  store.set('e', 5);
  expect(new Map(store.entries())).toEqual(new Map(Object.entries({ b: 20, d: 4, e: 5 })));
});

test('entries on disk end with their time, and are deleted in its order', () => {
  const { store, time } = spillingStore({ ttlMs: 10 });
  for (const [key, atMs] of [
    ['a', 0],
    ['b', 5],
    ['c', 7],
  ] as const) {
    time.eventTimeMs = atMs;
    store.set(key, atMs);
  }
  store.takeChanges();
  store.evict(ALL);
  time.watermarkMs = 15;
  expect([store.get('b'), store.has('b'), store.get('c'), store.size]).toEqual([undefined, false, 7, 3]);
  expect([...store.entries()]).toEqual([['c', 7]]);
  store.expire(1);
  expect(store.takeChanges()).toEqual([{ key: 'a', value: null }]);
  store.expire(10);
  expect([store.takeChanges(), store.size]).toEqual([[{ key: 'b', value: null }], 1]);
});

test('an upgrade leaves on disk what is there, and the commit writes it', () => {
  const upgrade = (value: unknown) => ((value as number) % 2 === 0 ? undefined : (value as number) * 10);
  const { store } = spillingStore({ version: 2, upgrade });
  for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) store.restore(key, Buffer.from(String(index)));
  store.evict(store.bytes / 2);
  store.ready(1);
  expect([store.spilled, store.size, store.changes]).toEqual([1, 2, 4]);
  expect(store.takeChanges().map(({ key, value }) => [key, value?.toString()])).toEqual([
    ['a', undefined],
    ['b', '10'],
    ['c', undefined],
    ['d', '30'],
  ]);
  expect([store.get('b'), store.get('d')]).toEqual([10, 30]);
});

test('half a surrogate pair is not moved: on disk it would be another key', () => {
  const { store } = filled({ '\ud800': 1, '\ufffd': 2 });
  store.evict(ALL);
  expect([store.spilled, store.get('\ud800'), store.get('\ufffd')]).toEqual([1, 1, 2]);
});

test('is empty on disk when it begins, and leaves nothing there', () => {
  const { store, spill, disk } = spillingStore();
  spill.map('job-0/s').putMany([['eold', Buffer.from('left by another')]]);
  store.set('a', 1);
  store.takeChanges();
  store.evict(ALL);
  expect([store.get('old'), disk()?.size]).toEqual([undefined, 1]);
  store.close();
  expect([store.size, disk()?.size]).toEqual([0, 0]);
});
