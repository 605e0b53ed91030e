import { expect, test } from 'vitest';
import {
  joinStreams,
  type JoinBounds,
  type StreamJoin,
  type StreamJoinResult,
  type StreamJoinType,
} from './index.ts';
import { JoinHarness, multiset } from './join-harness.contract.ts';

type Told = StreamJoinResult<string | undefined, string | undefined>;

function harness(type: StreamJoinType, bounds: JoinBounds): JoinHarness<StreamJoin<string, string>, Told> {
  return new JoinHarness((context, onResult) =>
    joinStreams<string, string>(context, { name: 'j', type, ...bounds, onResult }),
  );
}

const SYMMETRIC = { beforeMs: 10, afterMs: 10, graceMs: 5 };

const pair = (left: string, right: string, eventTimeMs: number, key = 'k'): Told => ({
  key,
  left,
  right,
  eventTimeMs,
});
const leftAlone = (left: string, eventTimeMs: number): Told => ({
  key: 'k',
  left,
  right: undefined,
  eventTimeMs,
});
const rightAlone = (right: string, eventTimeMs: number): Told => ({
  key: 'k',
  left: undefined,
  right,
  eventTimeMs,
});

test('joins up to both bounds and not beyond, whichever side comes first', () => {
  const bounds = { beforeMs: 3, afterMs: 7, graceMs: 0 };
  const leftFirst = harness('inner', bounds);
  leftFirst.join.left('k', 'l', 100);
  for (const timeMs of [96, 97, 100, 107, 108]) leftFirst.join.right('k', `r${timeMs}`, timeMs);
  expect(leftFirst.results).toEqual([pair('l', 'r97', 100), pair('l', 'r100', 100), pair('l', 'r107', 107)]);

  const rightFirst = harness('inner', bounds);
  for (const timeMs of [108, 107, 100, 97, 96]) rightFirst.join.right('k', `r${timeMs}`, timeMs);
  rightFirst.join.left('k', 'l', 100);
  expect(rightFirst.results).toEqual([pair('l', 'r97', 100), pair('l', 'r100', 100), pair('l', 'r107', 107)]);
});

test('joins each of several events of the same time, in the order in which they came', () => {
  const task = harness('inner', { beforeMs: 0, afterMs: 0, graceMs: 0 });
  for (const value of ['r1', 'r2', 'r3']) task.join.right('k', value, 5);
  task.join.left('k', 'l1', 5);
  task.join.left('k', 'l2', 5);
  expect(task.results.map(({ left, right }) => `${left} ${right}`)).toEqual([
    'l1 r1',
    'l1 r2',
    'l1 r3',
    'l2 r1',
    'l2 r2',
    'l2 r3',
  ]);
});

test('joins equal keys only, whatever is in them', () => {
  const task = harness('inner', SYMMETRIC);
  for (const key of ['', '|', 'a', 'a|b', '1|2|a']) {
    task.join.left(key, `l${key}`, 1);
    task.restart();
    task.join.right(key, `r${key}`, 2);
  }
  expect(task.results).toEqual(
    ['', '|', 'a', 'a|b', '1|2|a'].map((key) => pair(`l${key}`, `r${key}`, 2, key)),
  );
});

test('null is a value like any other', () => {
  const task = new JoinHarness<StreamJoin<null, null>, StreamJoinResult<null | undefined, null | undefined>>(
    (context, onResult) => joinStreams(context, { name: 'j', type: 'outer', ...SYMMETRIC, onResult }),
  );
  task.join.left('k', null, 0);
  task.join.right('k', null, 0);
  task.join.left('k', null, 100);
  task.advance(200);
  expect(task.results).toEqual([
    { key: 'k', left: null, right: null, eventTimeMs: 0 },
    { key: 'k', left: null, right: undefined, eventTimeMs: 100 },
  ]);
});

test('tells a left alone when the watermark has passed its interval and the grace, not before', () => {
  const task = harness('left', { beforeMs: 3, afterMs: 7, graceMs: 5 });
  task.join.left('k', 'l', 100);
  task.advance(112);
  expect(task.results).toEqual([]);
  expect(task.isPending).toBe(true);
  task.advance(113);
  expect(task.results).toEqual([leftAlone('l', 100)]);
  expect(task.isPending).toBe(false);
  expect(task.entries).toBe(0);
});

test('tells a right alone by the mirrored interval, in an outer join only', () => {
  const bounds = { beforeMs: 3, afterMs: 7, graceMs: 5 };
  const outer = harness('outer', bounds);
  outer.join.right('k', 'r', 100);
  outer.advance(108);
  expect(outer.take()).toEqual([]);
  outer.advance(109);
  expect(outer.take()).toEqual([rightAlone('r', 100)]);

  for (const type of ['inner', 'left'] as const) {
    const task = harness(type, bounds);
    task.join.right('k', 'r', 100);
    expect(task.isPending).toBe(false);
    task.advance(1000);
    expect(task.results).toEqual([]);
    expect(task.entries).toBe(0);
  }
});

test('tells those alone by event time that one advance closes', () => {
  const task = harness('left', SYMMETRIC);
  for (const timeMs of [30, 10, 20, 10]) task.join.left('k', `l${timeMs}`, timeMs);
  task.advance(40);
  expect(task.take().map(({ left }) => left)).toEqual(['l10', 'l10', 'l20']);
  task.advance(1000);
  expect(task.take().map(({ left }) => left)).toEqual(['l30']);
});

test('what was joined is not told alone', () => {
  const task = harness('outer', SYMMETRIC);
  task.join.left('k', 'l', 100);
  task.join.right('k', 'r', 110);
  expect(task.isPending).toBe(false);
  task.advance(1000);
  expect(task.results).toEqual([pair('l', 'r', 110)]);
  expect(task.entries).toBe(0);
});

test('an event is late when its own interval has closed: it joins nothing and is told alone at once', () => {
  const task = harness('outer', SYMMETRIC);
  task.join.right('k', 'r', 110);
  task.advance(115);
  expect(task.join.left('k', 'in time', 100)).toEqual({ kind: 'ok' });
  expect(task.take()).toEqual([pair('in time', 'r', 110)]);
  task.advance(116);
  const entries = task.entries;
  expect(task.join.left('k', 'late', 100)).toEqual({
    kind: 'late',
    windowStartMs: 90,
    windowEndMs: 110,
    corrected: true,
  });
  expect(task.entries).toBe(entries);
  task.advance(1000);
  expect(task.results).toEqual([leftAlone('late', 100)]);
});

test('a late event of a side that is not told alone is not told', () => {
  const task = harness('left', SYMMETRIC);
  task.advance(1000);
  expect(task.join.right('k', 'late', 100)).toEqual({ kind: 'late', windowStartMs: 90, windowEndMs: 110 });
  expect(task.results).toEqual([]);
});

test('says the interval that a late event has missed, also of the right', () => {
  const task = harness('inner', { beforeMs: 3, afterMs: 7, graceMs: 0 });
  task.advance(1000);
  expect(task.join.left('k', 'l', 100)).toEqual({ kind: 'late', windowStartMs: 97, windowEndMs: 107 });
  expect(task.join.right('k', 'r', 100)).toEqual({ kind: 'late', windowStartMs: 93, windowEndMs: 103 });
});

test('an inner join misses no pair of events that are not late, however far behind the watermark', () => {
  const task = harness('inner', SYMMETRIC);
  task.join.left('k', 'l', 100);
  // The left is closed from 116 on; a right at 110 may come until 125.
  task.advance(125);
  expect(task.join.right('k', 'r', 110)).toEqual({ kind: 'ok' });
  expect(task.results).toEqual([pair('l', 'r', 110)]);
  task.advance(126);
  expect(task.join.right('k', 'late', 110).kind).toBe('late');
});

test('what was told alone joins nothing any more', () => {
  const task = harness('left', SYMMETRIC);
  task.join.left('k', 'l', 100);
  task.advance(116);
  expect(task.take()).toEqual([leftAlone('l', 100)]);
  expect(task.join.right('k', 'r', 110)).toEqual({ kind: 'ok' });
  expect(task.results).toEqual([]);
});

test('keeps an event until nothing that is not late can meet it', () => {
  const bounds = { beforeMs: 3, afterMs: 7, graceMs: 5 };
  const task = harness('inner', bounds);
  task.join.left('k', 'l', 100);
  task.join.right('k', 'r', 102);
  task.advance(115);
  expect(task.entries).toBe(2);
  task.advance(116);
  expect(task.entries).toBe(1);
  task.advance(117);
  expect(task.entries).toBe(1);
  task.advance(118);
  expect(task.entries).toBe(0);
});

test('with a negative bound a right follows its left by so much at least', () => {
  const task = harness('outer', { beforeMs: -5, afterMs: 10, graceMs: 0 });
  task.join.left('k', 'l', 100);
  task.advance(104);
  task.join.right('k', 'too soon', 104);
  task.advance(105);
  // In time, although the lefts that it could meet ended at 100.
  expect(task.join.right('k', 'r', 105)).toEqual({ kind: 'ok' });
  expect(task.take()).toEqual([rightAlone('too soon', 104), pair('l', 'r', 105)]);
  task.advance(110);
  expect(task.join.right('k', 'r2', 110)).toEqual({ kind: 'ok' });
  expect(task.take()).toEqual([pair('l', 'r2', 110)]);
});

test('with a negative bound a right precedes its left by so much at least', () => {
  const task = harness('left', { beforeMs: 10, afterMs: -5, graceMs: 2 });
  task.join.right('k', 'r', 95);
  task.join.right('k', 'too near', 96);
  task.join.left('k', 'l', 100);
  expect(task.take()).toEqual([pair('l', 'r', 100)]);
  task.join.left('k', 'l2', 110);
  task.advance(112);
  expect(task.take()).toEqual([]);
  task.advance(113);
  expect(task.take()).toEqual([leftAlone('l2', 110)]);
});

test('an interval of one instant away from the event', () => {
  const task = harness('inner', { beforeMs: -5, afterMs: 5, graceMs: 0 });
  task.join.left('k', 'l', 100);
  for (const timeMs of [104, 105, 106]) task.join.right('k', `r${timeMs}`, timeMs);
  expect(task.results).toEqual([pair('l', 'r105', 105)]);
});

test('goes on after a restart', () => {
  const task = harness('outer', SYMMETRIC);
  task.join.left('k', 'l1', 100);
  task.join.left('k', 'l2', 101);
  task.join.right('k', 'r1', 111);
  task.advance(113);
  expect(task.take()).toEqual([pair('l2', 'r1', 111)]);
  task.restart();
  expect(task.isPending).toBe(true);
  task.join.left('k', 'l3', 101);
  task.join.right('k', 'r2', 111);
  expect(task.take()).toEqual([pair('l3', 'r1', 111), pair('l2', 'r2', 111), pair('l3', 'r2', 111)]);
  task.restart();
  task.advance(116);
  expect(task.take()).toEqual([leftAlone('l1', 100)]);
  task.restart();
  expect(task.join.left('k', 'late', 100).kind).toBe('late');
  task.advance(1000);
  expect(task.take()).toEqual([leftAlone('late', 100)]);
  expect(task.entries).toBe(0);
});

test('a step that throws leaves nothing behind', () => {
  const task = harness('outer', SYMMETRIC);
  task.join.left('k', 'l', 100);
  // It has joined the left when it throws: the left is without a partner again.
  task.rolledBack(() => task.join.right('k', 'thrown', 100));
  task.rolledBack(() => task.join.left('other', 'thrown', 100));
  expect(task.entries).toBe(2);
  expect(task.isPending).toBe(true);
  task.join.left('k', 'l2', 500);
  task.advance(116);
  expect(task.take()).toEqual([leftAlone('l', 100)]);
  task.join.right('k', 'r', 500);
  task.rolledBack(() => task.join.right('k', 'thrown', 500));
  task.advance(1000);
  expect(task.take()).toEqual([pair('l2', 'r', 500)]);
  expect(task.entries).toBe(0);
  expect(task.isPending).toBe(false);
});

test('many keys', () => {
  const task = harness('outer', SYMMETRIC);
  const keys = Array.from({ length: 5_000 }, (_, index) => `k${index}`);
  for (const [index, key] of keys.entries()) {
    if (index % 3 !== 0) task.join.left(key, 'l', index);
    if (index % 3 !== 1) task.join.right(key, 'r', index + 10);
    if (index === 2_500) task.restart();
    if (index % 100 === 0) task.advance(index - 10);
  }
  task.advance(10_000);
  const expected = keys.map((key, index): Told => {
    if (index % 3 === 0) return { key, left: undefined, right: 'r', eventTimeMs: index + 10 };
    if (index % 3 === 1) return { key, left: 'l', right: undefined, eventTimeMs: index };
    return { key, left: 'l', right: 'r', eventTimeMs: index + 10 };
  });
  expect(multiset(task.results)).toEqual(multiset(expected));
  expect(task.entries).toBe(0);
});

test('refuses bounds that make no sense', () => {
  const start = (bounds: JoinBounds) => () => harness('inner', bounds);
  expect(start({ beforeMs: -5, afterMs: 4, graceMs: 0 })).toThrow(RangeError);
  expect(start({ beforeMs: 0, afterMs: 0, graceMs: -1 })).toThrow('graceMs must be at least 0');
  expect(start({ beforeMs: 0.5, afterMs: 1, graceMs: 0 })).toThrow('beforeMs must be a whole number');
  expect(start({ beforeMs: 0, afterMs: Number.POSITIVE_INFINITY, graceMs: 0 })).toThrow(
    'afterMs must be a whole number',
  );
});

test('the layout of the state names what it depends on', () => {
  expect(harness('left', SYMMETRIC).layouts).toEqual({
    'j-left': 'stream-join(left,before=10,after=10)',
    'j-left-alone': 'stream-join(left,before=10,after=10)',
    'j-right': 'stream-join(left,before=10,after=10)',
  });
});
