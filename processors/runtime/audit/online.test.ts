import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryOnlineStore } from '../../../test/harness/memory-sinks.ts';
import { checkpointKey } from '../../../schemas/keys.ts';
import { encodeCheckpoint, type Checkpoint } from '../online/checkpoint.ts';
import type { ExpectedTask } from './expected-online.ts';
import { auditOnline } from './online.ts';

const NOW = 1_000_000_000;
const TTL = 3_600_000;
const COMMITTED = 100;

function expecting(values: Readonly<Record<string, string>>, task = 'a-0', writtenMs = NOW): ExpectedTask {
  const keys = Object.entries(values).map(([key, value]) => ({ key, value, writtenMs, ttlMs: TTL }));
  return { task, taskEpoch: 1, onlineVersion: COMMITTED, keys, leaving: [] };
}

async function* tasks(...all: readonly ExpectedTask[]) {
  yield* all;
}

interface Stored {
  readonly version?: number;
  readonly checkpoint?: Partial<Checkpoint>;
}

async function storeWith(
  values: Readonly<Record<string, string>>,
  { version = 7, checkpoint: said = {} }: Stored = {},
) {
  const store = new MemoryOnlineStore();
  const own = { owner: 'a-0', ttlMs: TTL };
  const checkpoint = encodeCheckpoint({ done: COMMITTED, isOpen: false, sweepFrom: null, ...said });
  await store.setIfNewer([{ key: checkpointKey('a-0'), value: checkpoint, version: 101, ...own }]);
  await store.setIfNewer(Object.entries(values).map(([key, value]) => ({ key, value, version, ...own })));
  return store;
}

const audit = async (store: MemoryOnlineStore, ...all: readonly ExpectedTask[]) =>
  auditOnline(store, tasks(...all), { now: () => NOW });

describe('an audit of the online store', () => {
  test('finds what is missing, added and altered, by name and without values', async () => {
    const store = await storeWith({ same: 'x', altered: 'secret', added: 'secret' });
    const [found, ...others] = await audit(store, expecting({ same: 'x', altered: 'y', missing: 'z' }));
    expect(found).toEqual({
      ...{ task: 'a-0', keys: 3, missing: 1, added: 1, altered: 1, inFlight: 0, isBehind: false },
      examples: { missing: ['missing'], added: ['added'], altered: ['altered'] },
    });
    expect(others).toEqual([]);
    expect(JSON.stringify(found)).not.toContain('secret');
  });

  test('tells keys of nobody apart, and says nothing of tasks that it leaves out', async () => {
    const store = await storeWith({ a: 'x' });
    await store.setIfNewer([{ key: 'alien', value: 'v', version: 1, ttlMs: TTL }]);
    await store.setIfNewer([{ key: 'gone', value: null, version: 1, ttlMs: TTL, owner: 'a-0' }]);
    const all = await audit(store, expecting({ a: 'x' }));
    expect(all.map(({ task, added }) => [task, added])).toEqual([
      ['a-0', 0],
      [null, 1],
    ]);
    await store.setIfNewer([{ key: 'other', value: 'v', version: 1, ttlMs: TTL, owner: 'b-0' }]);
    const otherTasks = new Set(['b-0']);
    const some = await auditOnline(store, tasks(expecting({ a: 'x' })), { now: () => NOW, otherTasks });
    expect(some.map(({ task, added }) => [task, added])).toEqual([
      ['a-0', 0],
      [null, 1],
    ]);
  });

  test('does not take an expired key for a deleted one', async () => {
    const store = await storeWith({});
    const [old] = await audit(store, expecting({ a: 'x' }, 'a-0', NOW - TTL - 1));
    const [young] = await audit(store, expecting({ a: 'x' }, 'a-0', NOW - TTL + 60_000));
    expect([old?.missing, young?.missing]).toEqual([0, 1]);
  });

  test('leaves newer writes of a running task alone, and finds those of a stranger when it is at rest', async () => {
    const newer = { a: 'newer', b: 'new' };
    const running = await storeWith(newer, { checkpoint: { isOpen: true }, version: 200 });
    expect(await audit(running, expecting({ a: 'x' }))).toMatchObject([
      { inFlight: 2, altered: 0, added: 0, missing: 0 },
    ]);
    const resting = await storeWith(newer, { version: 200 });
    expect(await audit(resting, expecting({ a: 'x' }))).toMatchObject([
      { inFlight: 0, altered: 1, added: 1 },
    ]);
  });

  test('leaves alone what the task is putting right itself', async () => {
    // Of a commit that never came about, and below the epoch of the one after it.
    const swept = await storeWith({ a: 'lost', b: 'lost' }, { version: 90, checkpoint: { sweepFrom: 80 } });
    expect(await audit(swept, expecting({ a: 'x', c: 'z' }))).toMatchObject([
      { inFlight: 2, altered: 0, added: 0, missing: 1 },
    ]);
    // It knows that the store has lost something, and writes everything again.
    const behind = await storeWith({ a: 'old' }, { checkpoint: { done: 0, isOpen: true } });
    expect(await audit(behind, expecting({ a: 'x', b: 'y' }))).toMatchObject([
      { isBehind: true, inFlight: 2, altered: 0, missing: 0 },
    ]);
  });

  test('a key whose entry is over may be there or not', async () => {
    const leaving = { ...expecting({ a: 'x' }), leaving: ['b', 'c'] };
    const store = await storeWith({ a: 'x', b: 'y', d: 'z' });
    expect(await audit(store, leaving)).toMatchObject([{ keys: 1, added: 1, examples: { added: ['d'] } }]);
  });

  test('a task that begins to write during the audit gives no false alarm', async () => {
    const store = await storeWith({ a: 'x' });
    const task = expecting({ a: 'x', b: 'y' });
    const keys = (function* () {
      // It has opened its checkpoint, and written, when the audit comes to read.
      const owned = { owner: 'a-0', ttlMs: TTL };
      const open = encodeCheckpoint({ done: COMMITTED, isOpen: true, sweepFrom: null });
      void store.setIfNewer([{ key: checkpointKey('a-0'), value: open, version: 300, ...owned }]);
      void store.setIfNewer([{ key: 'a', value: 'later', version: 301, ...owned }]);
      void store.setIfNewer([{ key: 'b', value: null, version: 302, ...owned }]);
      yield* task.keys;
    })();
    expect(await audit(store, { ...task, keys })).toMatchObject([
      { missing: 0, altered: 0, added: 0, inFlight: 2 },
    ]);
  });

  test('counts every difference between any two sets of keys', async () => {
    const sets = fc.dictionary(
      fc.stringMatching(/^[a-f]{1,2}$/),
      fc.string({ unit: 'binary', maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(sets, sets, async (state, stored) => {
        const [found] = await audit(await storeWith(stored), expecting(state));
        const of = (kind: (key: string) => boolean) =>
          [...new Set([...Object.keys(state), ...Object.keys(stored)])].filter(kind).length;
        expect(found).toMatchObject({
          missing: of((key) => !Object.hasOwn(stored, key)),
          added: of((key) => !Object.hasOwn(state, key)),
          altered: of((k) => Object.hasOwn(state, k) && Object.hasOwn(stored, k) && stored[k] !== state[k]),
        });
      }),
    );
  });
});
