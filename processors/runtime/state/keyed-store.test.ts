import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedStore } from './keyed-store.ts';

function textOf(changes: readonly { key: string; value: Buffer | null }[]) {
  return changes.map(({ key, value }) => [key, value?.toString() ?? null]);
}

/** A store filled from a changelog. */
function restored(log: readonly { key: string; value: Buffer | null }[], maxEntries?: number) {
  const store = new KeyedStore<number>('s', maxEntries === undefined ? {} : { maxEntries });
  for (const { key, value } of log) store.restore(key, value);
  return store;
}

test('hands out each changed key once, with its last value', () => {
  const store = new KeyedStore<number>('s');
  store.set('a', 1);
  store.set('b', 2);
  store.set('a', 3);
  store.delete('b');
  store.delete('never there');
  expect(textOf(store.takeChanges())).toEqual([
    ['a', '3'],
    ['b', null],
  ]);
  expect(store.takeChanges()).toEqual([]);
});

test('forgets the entries written longest ago beyond its bound, in the changelog too', () => {
  const store = new KeyedStore<number>('s', { maxEntries: 2 });
  store.set('a', 1);
  store.set('b', 2);
  store.takeChanges();
  store.set('a', 3);
  store.set('c', 4);
  expect([...store.entries()]).toEqual([
    ['a', 3],
    ['c', 4],
  ]);
  expect(textOf(store.takeChanges())).toContainEqual(['b', null]);
});

test('a restore is no change', () => {
  const store = restored([{ key: 'a', value: Buffer.from('1') }]);
  expect([store.get('a'), store.takeChanges()]).toEqual([1, []]);
});

test('a store with a smaller bound than before shrinks at the next write', () => {
  const log = ['a', 'b', 'c', 'd'].map((key) => ({ key, value: Buffer.from('1') }));
  const store = restored(log, 2);
  store.set('e', 1);
  expect([...store.entries()].map(([key]) => key)).toEqual(['d', 'e']);
});

test('the changelog makes the same store again: entries, order of writes and what is forgotten next', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    value: fc.option(fc.integer()),
    commit: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), fc.constantFrom(3, undefined), (steps, maxEntries) => {
      const store = new KeyedStore<number>('s', maxEntries === undefined ? {} : { maxEntries });
      const log: { key: string; value: Buffer | null }[] = [];
      for (const { key, value, commit } of steps) {
        if (value === null) store.delete(key);
        else store.set(key, value);
        if (commit) log.push(...store.takeChanges());
      }
      log.push(...store.takeChanges());
      const again = restored(log, maxEntries);
      expect(new Map(again.entries())).toEqual(new Map(store.entries()));
      if (maxEntries !== undefined) expect([...again.entries()]).toEqual([...store.entries()]);
    }),
  );
});
