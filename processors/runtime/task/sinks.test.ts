import { expect, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { silentLogger } from '../../../platform/log.ts';
import { T0 } from '../../../test/harness/shop-events.ts';
import { MemoryOnlineStore } from '../../../test/harness/memory-sinks.ts';
import { driveTask, type TaskDriver } from '../testing/task-driver.ts';
import { OnlineSink } from './sinks.ts';
import type { Subtopology } from '../topology.ts';

const idle: Subtopology = {
  name: 'idle',
  inputs: [{ topic: 'in' }],
  create: () => ({ process: () => ({ kind: 'ok' }) }),
};

async function setUp() {
  const driver = await driveTask(idle, { nowMs: T0 });
  const store = new MemoryOnlineStore();
  const sink = new OnlineSink({ store, now: () => T0 + 40, log: silentLogger() });
  return { driver, store, sink, task: driver.task };
}

function say(driver: TaskDriver, key: string, value: string | null) {
  driver.task.outputs.online(key, { value: () => value, ttlMs: 1000, acceptedAtMs: T0 });
}

test('writes what tasks say and announces it afterwards', async () => {
  const { driver, store, sink, task } = await setUp();
  say(driver, 'a', '1');
  task.outputs.notify('alerts', 'new');
  expect(sink.hasWork(task)).toBe(true);
  await sink.flush([task]);
  expect(store.values()).toEqual({ a: '1' });
  expect(store.published).toEqual(['alerts new']);
  expect(sink.hasWork(task)).toBe(false);
  expect(sink.stats).toEqual({ applied: 1, stale: 0 });
  expect(sink.freshness.quantile(0.5)).toBeCloseTo(40, 0);
});

test('more writes than one call takes are all written', async () => {
  const { driver, store, sink, task } = await setUp();
  for (let n = 0; n < 1234; n++) say(driver, `k${n}`, String(n));
  await sink.flush([task]);
  expect(Object.keys(store.values())).toHaveLength(1234);
});

test('a flush that fails keeps its writes and notices; a newer value of a key wins', async () => {
  const { driver, store, sink, task } = await setUp();
  store.isDown = true;
  say(driver, 'a', 'old');
  say(driver, 'b', 'kept');
  task.outputs.notify('alerts', 'first');
  await expect(sink.flush([task])).rejects.toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE' });
  expect([sink.hasWork(task), task.outputs.hasOnline]).toEqual([true, false]);
  say(driver, 'a', 'new');
  task.outputs.notify('alerts', 'second');
  store.isDown = false;
  await sink.flush([task]);
  expect(store.values()).toEqual({ a: 'new', b: 'kept' });
  expect(store.published).toEqual(['alerts first', 'alerts second']);
  expect(sink.stats).toEqual({ applied: 2, stale: 0 });
});

test('a flush that breaks off in the middle writes only the rest again', async () => {
  const { driver, store, sink, task } = await setUp();
  for (let n = 0; n < 700; n++) say(driver, `k${n}`, String(n));
  store.failAfterCalls = 1;
  await expect(sink.flush([task])).rejects.toMatchObject({ code: 'MR_ONLINE_STORE_UNAVAILABLE' });
  store.isDown = false;
  await sink.flush([task]);
  expect(store.writes).toHaveLength(700);
  expect(Object.keys(store.values())).toHaveLength(700);
});

test('a value that is older than the stored one counts as stale and changes nothing', async () => {
  const { driver, store, sink, task } = await setUp();
  await store.setIfNewer([{ key: 'a', value: 'of a later owner', version: 2 ** 50, ttlMs: 1000 }]);
  say(driver, 'a', 'of the fenced one');
  await sink.flush([task]);
  expect(store.values()).toEqual({ a: 'of a later owner' });
  expect(sink.stats).toEqual({ applied: 0, stale: 1 });
});

test('forgets what a task had said, and takes nothing from one that failed', async () => {
  const { driver, store, sink, task } = await setUp();
  store.isDown = true;
  say(driver, 'a', '1');
  await expect(sink.flush([task])).rejects.toThrow();
  sink.forget(task);
  store.isDown = false;
  task.failure = new Error('fenced');
  say(driver, 'b', '2');
  await sink.flush([task]);
  expect(store.values()).toEqual({});
});

test('flushes overlap in calls but not in the store', async () => {
  const { driver, store, sink, task } = await setUp();
  say(driver, 'a', '1');
  const first = sink.flush([task]);
  say(driver, 'a', '2');
  await Promise.all([first, sink.flush([task])]);
  expect(store.values()).toEqual({ a: '2' });
  expect(store.mostAtOnce).toBe(1);
});

test('a flush until done ends with the error when it is told to stop, and at once for a refusal', async () => {
  const { driver, store, sink, task } = await setUp();
  store.isDown = true;
  say(driver, 'a', '1');
  await expect(sink.flushUntilDone([task], AbortSignal.abort())).rejects.toMatchObject({
    code: 'MR_ONLINE_STORE_UNAVAILABLE',
  });
  store.refusal = new MillraceError('MR_ONLINE_STORE_FAILED', 'wrong type');
  await expect(sink.flushUntilDone([task], new AbortController().signal)).rejects.toBe(store.refusal);
});
