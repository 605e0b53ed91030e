import { describe, expect, test } from 'vitest';
import { WatermarkTracker, type SavedUpstream, type TimeStatus } from './watermark.ts';

const OPTIONS = { outOfOrderMs: 10, idleTimeoutMs: 100 };
const NOTHING = Number.NEGATIVE_INFINITY;

function tracker(inputs: readonly string[], watermarkMs = NOTHING) {
  const timed = inputs.map((topic) => ({ topic, upstream: [] }));
  return new WatermarkTracker(timed, OPTIONS, { nowMs: 0, watermarkMs });
}

/** A tracker of one input `r`, written by the tasks a, b and so on. */
function downstream(upstream: readonly string[], saved?: SavedUpstream) {
  return new WatermarkTracker([{ topic: 'r', upstream }], OPTIONS, {
    nowMs: 0,
    watermarkMs: NOTHING,
    ...(saved === undefined ? {} : { upstream: saved }),
  });
}

const mark = (from: string, watermarkMs: number, status: TimeStatus = 'active') => ({
  from,
  watermarkMs,
  status,
});

/** One fetch of an input with one record. */
function read(
  tracked: WatermarkTracker,
  input: string,
  eventTimeMs: number,
  fetch: { nowMs: number; atEnd?: boolean },
) {
  tracked.fetched(input, { records: 1, atEnd: fetch.atEnd ?? true }, fetch.nowMs);
  tracked.observe(input, eventTimeMs);
}

function emptyFetch(tracked: WatermarkTracker, input: string, nowMs: number) {
  tracked.fetched(input, { records: 0, atEnd: true }, nowMs);
}

test('follows the latest event by the out-of-order bound and never goes back', () => {
  const tracked = tracker(['a']);
  expect(tracked.advance(0)).toBe(NOTHING);
  read(tracked, 'a', 1000, { nowMs: 1 });
  expect(tracked.advance(1)).toBe(990);
  read(tracked, 'a', 500, { nowMs: 2 });
  expect(tracked.advance(2)).toBe(990);
  read(tracked, 'a', 1001, { nowMs: 3 });
  expect(tracked.advance(3)).toBe(991);
});

test('tells whether an event may move the watermark', () => {
  const tracked = tracker(['a']);
  expect([1000, 900, 1000, 1001].map((time) => tracked.observe('a', time))).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(tracked.observe('unknown', 5000)).toBe(false);
});

test('is the minimum over the inputs', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  expect(tracked.advance(1)).toBe(NOTHING);
  read(tracked, 'b', 200, { nowMs: 2 });
  expect(tracked.advance(2)).toBe(190);
  read(tracked, 'b', 5000, { nowMs: 3 });
  expect(tracked.advance(3)).toBe(990);
});

test('an input that was silent from the start holds back until it is known to be empty and idle', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  expect(tracked.advance(99)).toBe(NOTHING);
  emptyFetch(tracked, 'b', 99);
  expect(tracked.advance(99)).toBe(NOTHING);
  read(tracked, 'a', 1001, { nowMs: 100 });
  expect(tracked.advance(100)).toBe(991);
  expect(tracked.isIdle).toBe(false);
});

test('an input with records behind its last fetch is never idle, however long it is silent', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  read(tracked, 'b', 200, { nowMs: 1, atEnd: false });
  expect(tracked.advance(1_000_000)).toBe(190);
  expect(tracked.isIdle).toBe(false);
});

test('a fetch that did not reach the end takes back what an earlier one confirmed', () => {
  const tracked = tracker(['a']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  tracked.fetched('a', { records: 3, atEnd: false }, 2);
  expect(tracked.advance(1_000_000)).toBe(990);
});

test('a pause in reading takes the confirmation of every input back', () => {
  const tracked = tracker(['a']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  tracked.unconfirm();
  expect(tracked.advance(1_000_000)).toBe(990);
  emptyFetch(tracked, 'a', 1_000_000);
  expect(tracked.advance(1_000_000)).toBe(990);
  expect(tracked.advance(1_000_007)).toBe(997);
});

test('moves with the clock while every input is idle, from the latest event on', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  read(tracked, 'b', 200, { nowMs: 1 });
  expect(tracked.advance(50)).toBe(190);
  expect(tracked.advance(101)).toBe(990);
  expect(tracked.isIdle).toBe(true);
  expect(tracked.advance(151)).toBe(1040);
  expect(tracked.advance(140)).toBe(1040);
});

test('goes on from events when they come again', () => {
  const tracked = tracker(['a']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  tracked.advance(101);
  tracked.advance(601);
  read(tracked, 'a', 1200, { nowMs: 602 });
  expect(tracked.advance(602)).toBe(1490);
  expect(tracked.isIdle).toBe(false);
  read(tracked, 'a', 1600, { nowMs: 603 });
  expect(tracked.advance(603)).toBe(1590);
  expect(tracked.advance(703)).toBe(1590);
  expect(tracked.advance(713)).toBe(1600);
});

test('no time passes before the first event', () => {
  const tracked = tracker(['a']);
  emptyFetch(tracked, 'a', 0);
  expect(tracked.advance(1_000_000)).toBe(NOTHING);
});

test('starts at the restored watermark and moves with the clock from there', () => {
  const tracked = tracker(['a'], 700);
  emptyFetch(tracked, 'a', 0);
  expect(tracked.advance(100)).toBe(700);
  expect(tracked.advance(150)).toBe(750);
});

describe('an input that carries the watermarks of upstream tasks', () => {
  test('takes the lowest, without the out-of-order bound; event times do not move it', () => {
    const tracked = downstream(['a', 'b']);
    expect(tracked.observe('r', 5000)).toBe(false);
    expect(tracked.marked('r', mark('a', 1000))).toBe(true);
    expect(tracked.advance(1)).toBe(NOTHING);
    tracked.marked('r', mark('b', 400));
    expect(tracked.advance(2)).toBe(400);
    tracked.marked('r', mark('b', 3000));
    expect(tracked.advance(3)).toBe(1000);
  });

  test('is not held back by tasks that are idle, also from the start', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000));
    tracked.marked('r', mark('b', NOTHING, 'idle'));
    expect(tracked.advance(1)).toBe(1000);
    expect(tracked.isIdle).toBe(false);
  });

  test('never goes back when an idle task comes again behind the others', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000));
    tracked.marked('r', mark('b', NOTHING, 'idle'));
    tracked.advance(1);
    tracked.marked('r', mark('b', 500));
    expect(tracked.advance(2)).toBe(1000);
    tracked.marked('r', mark('a', 2000));
    expect(tracked.advance(3)).toBe(1000);
    tracked.marked('r', mark('b', 1500));
    expect(tracked.advance(4)).toBe(1500);
  });

  test('moves with the clock only when every task is idle and the input is read to its end', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000, 'idle'));
    tracked.marked('r', mark('b', 400));
    tracked.fetched('r', { records: 2, atEnd: true }, 10);
    expect(tracked.advance(5000)).toBe(400);
    tracked.marked('r', mark('b', 400, 'idle'));
    expect(tracked.advance(5000)).toBe(1000);
    expect(tracked.advance(5300)).toBe(1300);
    expect(tracked.isIdle).toBe(true);
    tracked.unconfirm();
    expect(tracked.advance(9000)).toBe(1300);
  });

  test('says that the clock moved it where that moves all tasks before it', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000, 'clock'));
    tracked.marked('r', mark('b', 400));
    expect([tracked.advance(1), tracked.isByClock]).toEqual([400, false]);
    tracked.marked('r', mark('b', 2000, 'idle'));
    expect([tracked.advance(2), tracked.isByClock, tracked.isIdle]).toEqual([1000, true, false]);
  });

  test('remembers what it was told over a restart', () => {
    const before = downstream(['a', 'b']);
    before.marked('r', mark('a', 1000));
    const after = downstream(['a', 'b'], JSON.parse(JSON.stringify(before.upstream)) as SavedUpstream);
    expect(after.advance(1)).toBe(NOTHING);
    after.marked('r', mark('b', 700));
    expect(after.advance(2)).toBe(700);
  });

  test('forgets tasks that there are no more', () => {
    const tracked = downstream(['a'], { r: { a: [900, 'active'], gone: [1, 'active'] } });
    expect(tracked.advance(1)).toBe(900);
    expect(tracked.marked('r', mark('gone', 5000))).toBe(false);
  });
});
