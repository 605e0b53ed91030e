import { expect, test } from 'vitest';
import { parseUuid } from '../task/event-id-set.ts';
import { memorySpill } from './memory-spill.contract.ts';
import { Changelog, CHANGELOG, NO_TIME } from './state-harness.contract.ts';
import { StateMemory } from './state-memory.ts';
import type { TaskState } from './task-state.ts';

const EVENT_ID = new Uint32Array(4);
parseUuid('01890a5d-ac96-774b-bcce-b302099a8057', EVENT_ID);

function declare(state: TaskState) {
  const fired: string[] = [];
  return {
    fired,
    counts: state.store<number>('counts'),
    seen: state.store<{ at: number }>('seen', { ttlMs: 100 }),
    timers: state.timers('timers', (key, dueMs) => fired.push(`${key}@${dueMs}`)),
    alarms: state.clockTimers('alarms', (key, dueMs) => fired.push(`clock ${key}@${dueMs}`)),
  };
}

test('what was committed comes back: entries, times, timers, eventIds and what the commit said', async () => {
  const changelog = new Changelog();
  const { state, declared } = await changelog.start(declare);
  state.taskEpoch = 7;
  state.setRecordTime(1_000);
  declared.counts.set('a', 1);
  declared.counts.set('b/c', 2);
  declared.seen.set('x', { at: 1_000 });
  declared.timers.set('t', 2_000);
  declared.alarms.set('w', 3_000);
  state.duplicates.add(EVENT_ID, 1_000);
  const upstream = { 'made.topic': { 'job-0': [900, 'active'] as const } };
  changelog.commit(state, { watermarkMs: 950, positions: { orders: 12 }, upstream });
  declared.counts.set('a', 100);

  const again = await changelog.start(declare);
  expect(new Map(again.declared.counts.entries())).toEqual(
    new Map([
      ['a', 1],
      ['b/c', 2],
    ]),
  );
  expect(again.state.duplicates.has(EVENT_ID)).toBe(true);
  expect(again.state.taskEpoch).toBe(7);
  expect(again.state.meta).toMatchObject({ watermarkMs: 950, positions: { orders: 12 }, upstream });
  expect(again.state.meta.stores).toEqual({
    outbox: { version: 1, layout: 'outbox', entries: 0 },
    counts: { version: 1, layout: 'keyed(json)', entries: 2 },
    seen: { version: 1, layout: 'keyed(json)', entries: 1 },
    timers: { version: 1, layout: 'timers', entries: 1 },
    alarms: { version: 1, layout: 'clock-timers', entries: 1 },
  });
  expect(again.state.changes).toBe(0);
  again.state.advance(1_099, 'watermark');
  expect(again.declared.seen.get('x')).toEqual({ at: 1_000 });
  again.state.advance(1_100, 'watermark');
  expect(again.declared.seen.get('x')).toBeUndefined();
  again.state.tick(5_000);
  again.state.advance(2_000, 'idle');
  expect(again.declared.fired).toEqual(['clock w@3000', 't@2000']);
});

test('a commit writes what has changed, and its meta last', async () => {
  const changelog = new Changelog();
  const { state, declared } = await changelog.start(declare);
  state.setRecordTime(5);
  declared.counts.set('a', 1);
  declared.seen.set('x', { at: 5 });
  expect([state.changes, state.size]).toEqual([2, 2]);
  const records = changelog.commit(state);
  expect(records.map(({ key, headers }) => [key, headers])).toEqual([
    ['counts/a', undefined],
    ['seen/x', { 'mr-event-time': '5' }],
    ['meta', undefined],
  ]);
  expect(state.changes).toBe(0);
  declared.counts.delete('a');
  expect(changelog.commit(state).map(({ key, value }) => [key, value === null])).toEqual([
    ['counts/a', true],
    ['meta', false],
  ]);
});

test('a standby follows with further calls, and takes over where it is', async () => {
  const changelog = new Changelog();
  const owner = await changelog.start(declare);
  const standby = changelog.declare(declare);
  const follow = () => standby.state.restore(changelog.kafka, CHANGELOG);
  await follow();
  owner.declared.counts.set('a', 1);
  owner.declared.counts.set('b', 1);
  owner.declared.timers.set('t', 10);
  changelog.commit(owner.state, { watermarkMs: 5 });
  await follow();
  await follow();
  expect(standby.declared.counts.get('a')).toBe(1);
  owner.declared.counts.set('a', 2);
  owner.declared.counts.delete('b');
  changelog.commit(owner.state, { watermarkMs: 6 });
  await follow();
  standby.state.ready();
  expect([...standby.declared.counts.entries()]).toEqual([['a', 2]]);
  expect(standby.state.meta.watermarkMs).toBe(6);
  standby.state.advance(10, 'watermark');
  expect(standby.declared.fired).toEqual(['t@10']);
});

test('a changelog that is shorter than what was read of it is no changelog to follow', async () => {
  const changelog = new Changelog();
  changelog.append({ 'counts/a': 1, meta: { taskEpoch: 1 } });
  const standby = changelog.declare(declare);
  await standby.state.restore(changelog.kafka, CHANGELOG);
  const restored = standby.state.restore(new Changelog().kafka, CHANGELOG);
  await expect(restored).rejects.toMatchObject({ code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE' });
});

test('parts follow time in the order in which they were attached, and are asked before a commit', async () => {
  const calls: string[] = [];
  const part = (name: string, isPending: boolean) => ({
    rebuild: (ms: number) => calls.push(`${name} rebuild ${ms}`),
    advance: (ms: number, reason: string) => calls.push(`${name} advance ${ms} ${reason}`),
    tick: (ms: number) => calls.push(`${name} tick ${ms}`),
    beforeCommit: () => calls.push(`${name} beforeCommit`),
    isPending,
  });
  const changelog = new Changelog();
  changelog.append({ meta: { taskEpoch: 1, watermarkMs: 3 } });
  const { state } = await changelog.start((made) => {
    made.attach(part('first', false));
    made.timers('timers', () => undefined);
    made.attach({});
    made.attach(part('second', true));
  });
  state.advance(5, 'idle');
  state.tick(6);
  state.beforeCommit();
  expect(calls).toEqual(
    ['rebuild 3', 'advance 5 idle', 'tick 6', 'beforeCommit'].flatMap((call) => [
      `first ${call}`,
      `second ${call}`,
    ]),
  );
  expect(state.isPending()).toBe(true);
});

test('a task with a timer waits for event time; one with a clock timer does not', async () => {
  const { state, declared } = await new Changelog().start(declare);
  declared.alarms.set('w', 10);
  expect(state.isPending()).toBe(false);
  declared.timers.set('t', 10);
  expect(state.isPending()).toBe(true);
});

test('only what a step does is undone', async () => {
  const { state, declared } = await new Changelog().start(declare);
  declared.counts.set('a', 1);
  declared.timers.set('t', 10);
  state.undo.isActive = true;
  declared.counts.set('a', 2);
  state.advance(10, 'watermark');
  state.undo.rollback();
  expect([declared.counts.get('a'), declared.fired, declared.timers.dueMs('t')]).toEqual([
    1,
    ['t@10'],
    undefined,
  ]);
});

test('names that the changelog cannot hold are refused', () => {
  const state = new Changelog().declare(declare, { retired: ['old'] }).state;
  for (const name of ['counts', 'a/b', 'duplicates', 'meta', 'old'])
    expect(() => state.store(name)).toThrow(name);
});

test('a value of more than 8 MB is refused, and the error does not show its key', async () => {
  const { state, declared } = await new Changelog().start((made) => made.store<string>('texts'));
  declared.set('person-4711', 'x'.repeat(9_000_000));
  const take = () => state.takeChanges(CHANGELOG, NO_TIME, 0);
  expect(take).toThrow(
    expect.objectContaining({
      code: 'MR_STATE_VALUE_TOO_LARGE',
      message: 'a value of store texts has 9000002 bytes; the limit is 8388608',
      context: expect.objectContaining({
        task: 'job-0',
        store: 'texts',
        keyLength: 11,
        keyHash: 'c4245420',
      }) as object,
    }),
  );
});

test('state beyond the memory is moved to disk at each commit and while it is restored', async () => {
  const changelog = new Changelog();
  const spill = memorySpill();
  const memory = new StateMemory({ limitBytes: 100_000, spill });
  const { state, declared } = await changelog.start(declare, { memory });
  for (let index = 0; index < 3_000; index++) declared.counts.set(`k${index}`, index);
  expect(memory.usedBytes).toBeGreaterThan(memory.limitBytes);
  changelog.commit(state);
  expect(memory.usedBytes).toBeLessThanOrEqual(memory.limitBytes);
  expect([state.size, declared.counts.get('k0'), declared.counts.get('k2999')]).toEqual([3_000, 0, 2_999]);
  state.close();
  expect([memory.usedBytes, spill.maps.get('job-0/counts')?.size]).toEqual([0, 0]);

  const again = await changelog.start(declare, { memory });
  expect(memory.usedBytes).toBeLessThanOrEqual(memory.limitBytes);
  expect(again.state.describe()[0]).toMatchObject({ store: 'counts', entries: 3_000 });
  expect(again.state.describe()[0]?.spilled).toBeGreaterThan(1_500);
  expect(new Map(again.declared.counts.entries()).size).toBe(3_000);
});

test('describes its stores', async () => {
  const { state, declared } = await new Changelog().start((made) => {
    made.timers('timers', () => undefined);
    made.store('windows', { layout: 'tumbling(60000)/count', version: 2 });
    return made.store<number>('counts');
  });
  declared.set('a', 1);
  state.duplicates.add(EVENT_ID, 0);
  const plain = { version: 1, entries: 0, bytes: 0, spilled: 0 };
  expect(state.describe()).toEqual([
    { ...plain, store: 'timers', kind: 'timers', layout: 'timers' },
    { ...plain, store: 'windows', kind: 'tumbling', layout: 'tumbling(60000)/count', version: 2 },
    { ...plain, store: 'counts', kind: 'keyed', layout: 'keyed(json)', entries: 1, bytes: 256 },
    { ...plain, store: 'duplicates', kind: 'duplicates', layout: 'event-ids', entries: 1, bytes: 48 },
  ]);
});
