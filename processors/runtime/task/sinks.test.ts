import { expect, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { silentLogger } from '../../../platform/log.ts';
import { T0 } from '../../../test/harness/shop-events.ts';
import { MemoryOnlineStore } from '../../../test/harness/memory-sinks.ts';
import { driveTask } from '../testing/task-driver.ts';
import { OnlineSink } from './sinks.ts';
import type { Subtopology } from '../topology.ts';

/** A task whose entries a test sets; each is a key of the online store. */
async function setUp() {
  const said: ((key: string, value: string | null) => void)[] = [];
  const words: Subtopology = {
    name: 'words',
    inputs: [{ topic: 'in' }],
    create(context) {
      const entries = context.store<string>('words');
      const view = context.onlineView(entries, { key: (key) => key, value: (text) => text, ttlMs: 1000 });
      said.push((key, value) => {
        if (value === null) entries.delete(key);
        else entries.set(key, value);
        view.accepted(key, T0);
      });
      return { process: () => ({ kind: 'ok' }) };
    },
  };
  const driver = await driveTask(words, { nowMs: T0 });
  const store = new MemoryOnlineStore();
  const sink = new OnlineSink({ store, now: () => T0 + 40, log: silentLogger() });
  return { driver, store, sink, task: driver.task, say: said[0]! };
}

test('writes what tasks say and announces it afterwards', async () => {
  const { store, sink, task, say } = await setUp();
  say('a', '1');
  task.outputs.notify('alerts', 'new');
  expect(sink.hasWork(task)).toBe(true);
  await sink.flush([task]);
  expect(store.values()).toEqual({ a: '1' });
  expect(store.published).toEqual(['alerts new']);
  expect(sink.hasWork(task)).toBe(false);
  expect(sink.stats).toMatchObject({ applied: 1, stale: 0 });
  expect(sink.freshness.quantile(0.5)).toBeCloseTo(40, 0);
});

test('more writes than one call takes are all written', async () => {
  const { store, sink, task, say } = await setUp();
  for (let n = 0; n < 1234; n++) say(`k${n}`, String(n));
  await sink.flush([task]);
  expect(Object.keys(store.values())).toHaveLength(1234);
});

test('a flush that fails keeps its writes and notices; a newer value of a key wins', async () => {
  const { store, sink, task, say } = await setUp();
  store.isDown = true;
  say('a', 'old');
  say('b', 'kept');
  task.outputs.notify('alerts', 'first');
  await expect(sink.flush([task])).rejects.toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE' });
  expect([sink.hasWork(task), task.online.hasPending]).toEqual([true, false]);
  say('a', 'new');
  task.outputs.notify('alerts', 'second');
  store.isDown = false;
  await sink.flush([task]);
  expect(store.values()).toEqual({ a: 'new', b: 'kept' });
  expect(store.published).toEqual(['alerts first', 'alerts second']);
  expect(sink.stats).toMatchObject({ applied: 2, stale: 0 });
});

test('a flush that breaks off in the middle writes only the rest again', async () => {
  const { store, sink, task, say } = await setUp();
  for (let n = 0; n < 700; n++) say(`k${n}`, String(n));
  store.failAfterCalls = 3; // after the checkpoint and the first part
  await expect(sink.flush([task])).rejects.toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE' });
  store.isDown = false;
  await sink.flush([task]);
  expect(store.writes).toHaveLength(700);
  expect(Object.keys(store.values())).toHaveLength(700);
});

test('a value that is older than the stored one counts as stale and changes nothing', async () => {
  const { store, sink, task, say } = await setUp();
  await store.setIfNewer([{ key: 'a', value: 'of a later owner', version: 2 ** 50, ttlMs: 1000 }]);
  say('a', 'of the fenced one');
  await sink.flush([task]);
  expect(store.values()).toEqual({ a: 'of a later owner' });
  expect(sink.stats).toMatchObject({ applied: 0, stale: 1 });
});

test('forgets what a task had said, and takes nothing from one that failed', async () => {
  const { store, sink, task, say } = await setUp();
  store.isDown = true;
  say('a', '1');
  await expect(sink.flush([task])).rejects.toThrow();
  sink.forget(task);
  store.isDown = false;
  task.failure = new Error('fenced');
  say('b', '2');
  await sink.flush([task]);
  expect(store.values()).toEqual({});
});

test('flushes overlap in calls but not in the store', async () => {
  const { store, sink, task, say } = await setUp();
  say('a', '1');
  const first = sink.flush([task]);
  say('a', '2');
  await Promise.all([first, sink.flush([task])]);
  expect(store.values()).toEqual({ a: '2' });
  expect(store.mostAtOnce).toBe(1);
});

test('a commit ends with the error when it is told to stop, and at once for a refusal', async () => {
  const { store, sink, task, say } = await setUp();
  store.isDown = true;
  say('a', '1');
  const commits = new Map([[task, task.prepareCommit()]]);
  await expect(sink.commit(commits, AbortSignal.abort())).rejects.toMatchObject({
    code: 'MR_ONLINE_STORE_UNAVAILABLE',
  });
  store.refusal = new MillraceError('MR_ONLINE_STORE_FAILED', 'wrong type');
  await expect(sink.commit(commits, new AbortController().signal)).rejects.toBe(store.refusal);
});

test('a deleted entry is deleted there too, and an older write does not bring it back', async () => {
  const { store, sink, task, say } = await setUp();
  say('a', '1');
  await sink.flush([task]);
  say('a', null);
  await sink.flush([task]);
  expect(store.values()).toEqual({});
  const [first] = store.writes;
  expect(await store.setIfNewer([first!])).toEqual([false]);
});
