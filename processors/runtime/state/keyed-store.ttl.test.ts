import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedStore } from './keyed-store.ts';
import { taskTime } from './store-environment.ts';
import { UndoLog } from './undo-log.ts';

const TTL_MS = 10;

function timedStore() {
  const time = taskTime();
  const store = new KeyedStore<number>('s', { ttlMs: TTL_MS }, { taskId: 't', time, undo: new UndoLog() });
  return { store, time };
}

test('an entry is gone when the watermark has passed its last write by the time to live', () => {
  const { store, time } = timedStore();
  time.eventTimeMs = 100;
  store.set('a', 1);
  time.watermarkMs = 109;
  expect([store.get('a'), store.has('a')]).toEqual([1, true]);
  time.watermarkMs = 110;
  expect([store.get('a'), store.has('a'), [...store.entries()], store.size]).toEqual([
    undefined,
    false,
    [],
    1,
  ]);
  store.expire(10);
  expect([store.size, store.takeChanges()]).toEqual([0, [{ key: 'a', value: null }]]);
});

test('a write begins the time anew, also one after the entry was over', () => {
  const { store, time } = timedStore();
  time.eventTimeMs = 100;
  store.set('a', 1);
  time.eventTimeMs = 105;
  store.set('a', 2);
  time.watermarkMs = 114;
  expect(store.get('a')).toBe(2);
  time.watermarkMs = time.eventTimeMs = 130;
  store.set('a', 3);
  store.expire(10);
  expect(store.get('a')).toBe(3);
});

test('the changelog has the time of each write, and a restart begins none anew', () => {
  const { store, time } = timedStore();
  time.eventTimeMs = 100;
  store.set('a', 1);
  const changes = store.takeChanges();
  expect(changes).toEqual([{ key: 'a', value: Buffer.from('1'), writtenMs: 100 }]);
  const again = timedStore();
  for (const { key, value, writtenMs } of changes) again.store.restore(key, value, writtenMs);
  again.time.watermarkMs = 109;
  expect(again.store.get('a')).toBe(1);
  again.time.watermarkMs = 110;
  expect(again.store.get('a')).toBeUndefined();
});

test('deletes so many at a time, the oldest first', () => {
  const { store, time } = timedStore();
  for (const [index, key] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    time.eventTimeMs = index;
    store.set(key, index);
  }
  store.takeChanges();
  time.watermarkMs = TTL_MS + 3;
  store.expire(3);
  expect(store.takeChanges().map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  store.expire(3);
  expect(store.takeChanges().map(({ key }) => key)).toEqual(['d']);
});

test('one that is rewritten does not keep those behind it', () => {
  const { store, time } = timedStore();
  time.eventTimeMs = 0;
  store.set('a', 0);
  time.eventTimeMs = 1;
  store.set('b', 0);
  store.takeChanges();
  store.expire(10);
  time.eventTimeMs = 9;
  store.set('a', 0);
  time.watermarkMs = 11;
  store.expire(10);
  expect([...store.entries()]).toEqual([['a', 0]]);
  expect(store.size).toBe(1);
});

test('what is written before any event counts from the first event on', () => {
  const { store, time } = timedStore();
  store.set('a', 1);
  expect(store.takeChanges()).toEqual([{ key: 'a', value: Buffer.from('1'), writtenMs: -Infinity }]);
  store.expire(10);
  time.eventTimeMs = time.watermarkMs = 1000;
  store.expire(10);
  expect([store.get('a'), store.takeChanges()]).toEqual([
    1,
    [{ key: 'a', value: Buffer.from('1'), writtenMs: 1000 }],
  ]);
  time.watermarkMs = 1000 + TTL_MS;
  expect(store.get('a')).toBeUndefined();
});

test('holds just what was written in time, whatever the order of writes, commits and watermarks', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    byMs: fc.nat(6),
    lagMs: fc.nat(20),
    commit: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 60 }), (steps) => {
      const { store, time } = timedStore();
      time.eventTimeMs = time.watermarkMs = 0;
      const writtenMs = new Map<string, number>();
      for (const { key, byMs, lagMs, commit } of steps) {
        time.eventTimeMs += byMs;
        store.set(key, byMs);
        writtenMs.set(key, time.eventTimeMs);
        time.watermarkMs = Math.max(time.watermarkMs, time.eventTimeMs - lagMs);
        if (commit) store.takeChanges();
        store.expire(1);
        const live = [...writtenMs].filter(([, ms]) => ms + TTL_MS > time.watermarkMs).map(([live]) => live);
        expect(Array.from(store.entries(), ([there]) => there).sort()).toEqual(live.sort());
      }
    }),
  );
});
