import { expect, test } from 'vitest';
import { joinAsOf, type AsOfJoin, type TableJoinResult, type TableJoinType } from './index.ts';
import { JoinHarness, multiset } from './join-harness.contract.ts';

type Told = TableJoinResult<string, string | undefined>;

interface Times {
  readonly historyMs: number;
  readonly graceMs?: number;
}

function harness(type: TableJoinType, times: Times): JoinHarness<AsOfJoin<string, string>, Told> {
  return new JoinHarness((context, onResult) =>
    joinAsOf<string, string>(context, { name: 'j', type, ...times, onResult }),
  );
}

const told = (stream: string, table: string | undefined, eventTimeMs: number): Told => ({
  key: 'k',
  stream,
  table,
  eventTimeMs,
});

test('adds the row that was valid when the value happened, from its own time on', () => {
  const task = harness('left', { historyMs: 100 });
  task.join.table('k', 'second', 20);
  task.join.table('k', 'first', 10);
  task.join.table('other', 'other', 5);
  for (const timeMs of [9, 10, 19, 20, 1000]) task.join.stream('k', 's', timeMs);
  expect(task.results).toEqual([
    told('s', undefined, 9),
    told('s', 'first', 10),
    told('s', 'first', 19),
    told('s', 'second', 20),
    told('s', 'second', 1000),
  ]);
});

test('of rows with the same time the last counts', () => {
  const task = harness('left', { historyMs: 100 });
  task.join.table('k', 'a', 10);
  task.join.table('k', 'b', 10);
  task.join.stream('k', 's1', 10);
  task.join.table('k', null, 10);
  task.join.stream('k', 's2', 10);
  expect(task.results).toEqual([told('s1', 'b', 10), told('s2', undefined, 10)]);
});

test('a deletion is valid from its time on, and only from then', () => {
  const task = harness('inner', { historyMs: 100 });
  task.join.table('k', null, 20);
  task.join.table('k', 'a', 10);
  expect(task.join.stream('k', 's', 19)).toEqual({ kind: 'ok' });
  expect(task.join.stream('k', 's', 20)).toEqual({ kind: 'drop' });
  expect(task.join.stream('k', 's', 9)).toEqual({ kind: 'drop' });
  expect(task.results).toEqual([told('s', 'a', 19)]);
});

test('with a grace a value waits for rows that come late', () => {
  const task = harness('inner', { historyMs: 100, graceMs: 5 });
  task.join.table('k', 'early', 10);
  expect(task.join.stream('k', 's', 50)).toEqual({ kind: 'ok' });
  expect(task.join.stream('none', 's', 50)).toEqual({ kind: 'ok' });
  task.join.stream('k', 'before', 49);
  expect(task.isPending).toBe(true);
  task.advance(54);
  expect(task.take()).toEqual([told('before', 'early', 49)]);
  task.restart();
  task.join.table('k', 'late', 50);
  task.advance(55);
  expect(task.take()).toEqual([told('s', 'late', 50)]);
  expect(task.isPending).toBe(false);
  // Its time plus the grace has passed already.
  task.join.stream('k', 'behind', 50);
  expect(task.take()).toEqual([told('behind', 'late', 50)]);
});

test('values that wait are told by event time, of equal times in the order in which they came', () => {
  const task = harness('left', { historyMs: 100, graceMs: 10 });
  for (const [value, timeMs] of [
    ['d', 9],
    ['a', 7],
    ['b', 8],
    ['c', 8],
  ] as const) {
    task.join.stream('k', value, timeMs);
    task.restart();
  }
  task.advance(100);
  expect(task.results.map(({ stream }) => stream)).toEqual(['a', 'b', 'c', 'd']);
});

test('a record that is older than the history is late, of either side', () => {
  const task = harness('left', { historyMs: 100 });
  task.join.table('k', 'a', 10);
  task.advance(150);
  expect(task.join.stream('k', 's', 50)).toEqual({ kind: 'ok' });
  expect(task.join.stream('k', 's', 49)).toEqual({ kind: 'late', windowStartMs: 49, windowEndMs: 149 });
  expect(task.join.table('k', 'b', 49)).toEqual({ kind: 'late', windowStartMs: 49, windowEndMs: 149 });
  expect(task.join.table('k', 'c', 50)).toEqual({ kind: 'ok' });
  task.join.stream('k', 's', 50);
  expect(task.results).toEqual([told('s', 'a', 50), told('s', 'c', 50)]);
});

test('forgets what was not valid any more at the beginning of the history, and nothing else', () => {
  const task = harness('left', { historyMs: 100 });
  for (const timeMs of [10, 20, 30, 40]) task.join.table('k', `r${timeMs}`, timeMs);
  task.advance(130);
  expect(task.entries).toBe(3);
  task.restart();
  task.advance(131);
  // What was valid at 31 is from 30.
  expect(task.entries).toBe(2);
  task.join.stream('k', 's', 31);
  task.advance(10_000);
  expect(task.entries).toBe(1);
  task.join.stream('k', 's', 9_900);
  expect(task.results).toEqual([told('s', 'r30', 31), told('s', 'r40', 9_900)]);
});

test('forgets a key whose last row is a deletion', () => {
  const task = harness('left', { historyMs: 100 });
  task.join.table('k', 'a', 10);
  task.join.table('k', null, 20);
  task.join.table('unknown', null, 20);
  task.advance(120);
  expect(task.entries).toBe(3);
  task.join.stream('k', 's', 20);
  task.advance(121);
  expect(task.entries).toBe(0);
  task.join.table('k', 'b', 30);
  task.join.stream('k', 's', 29);
  task.join.stream('k', 's', 30);
  expect(task.results).toEqual([told('s', undefined, 20), told('s', undefined, 29), told('s', 'b', 30)]);
});

test('a step that throws leaves nothing behind', () => {
  const task = harness('left', { historyMs: 100, graceMs: 5 });
  task.join.table('k', 'a', 10);
  task.rolledBack(() => task.join.table('k', 'thrown', 20));
  task.rolledBack(() => task.join.table('new', 'thrown', 20));
  task.rolledBack(() => task.join.stream('k', 'thrown', 30));
  expect(task.isPending).toBe(false);
  task.join.stream('k', 's', 25);
  task.advance(40);
  expect(task.take()).toEqual([told('s', 'a', 25)]);
  // What was rolled back does not end what was valid before it.
  task.advance(121);
  expect(task.entries).toBe(1);
  task.join.stream('k', 's', 30);
  expect(task.take()).toEqual([told('s', 'a', 30)]);
});

test('a row at a time at which one was rolled back counts', () => {
  const task = harness('left', { historyMs: 100 });
  task.rolledBack(() => task.join.table('k', 'thrown', 20));
  task.join.table('k', 'a', 20);
  task.join.stream('k', 's', 20);
  expect(task.take()).toEqual([told('s', 'a', 20)]);
  task.rolledBack(() => task.join.table('k', null, 20));
  task.join.stream('k', 's', 20);
  expect(task.take()).toEqual([told('s', 'a', 20)]);
  task.join.table('k', null, 30);
  task.advance(1_000);
  expect(task.entries).toBe(0);
});

test('many keys', () => {
  const task = harness('inner', { historyMs: 50, graceMs: 10 });
  const keys = Array.from({ length: 3_000 }, (_, index) => `k${index}`);
  for (const [index, key] of keys.entries()) {
    task.join.table(key, 'old', index - 20);
    task.join.stream(key, 's', index);
    task.join.table(key, 'new', index);
    if (index % 2 === 0) task.join.table(key, null, index + 1);
    task.advance(index);
    if (index === 1_500) task.restart();
  }
  task.advance(10_000);
  expect(multiset(task.results)).toEqual(
    multiset(keys.map((key, index): Told => ({ key, stream: 's', table: 'new', eventTimeMs: index }))),
  );
  expect(task.entries).toBe(1_500);
});

test('refuses times that make no sense', () => {
  const start = (times: Times) => () => harness('inner', times);
  expect(start({ historyMs: -1 })).toThrow('historyMs must be at least 0');
  expect(start({ historyMs: 10, graceMs: -1 })).toThrow(RangeError);
  expect(start({ historyMs: 10, graceMs: 1.5 })).toThrow('graceMs must be a whole number');
  expect(start({ historyMs: 10, graceMs: 11 })).toThrow('longer than the history');
});

test('the layout of the state does not depend on the times', () => {
  expect(harness('inner', { historyMs: 10 }).layouts).toEqual({
    'j-rows': 'as-of-join',
    'j-waiting': 'as-of-join',
  });
});
