import { describe, expect, test } from 'vitest';
import type { SavedTime, SavedUpstream, TimeStatus } from './marks.ts';
import { WatermarkTracker } from './watermark.ts';

const OPTIONS = { outOfOrderMs: 10, idleTimeoutMs: 100 };
const NOTHING = Number.NEGATIVE_INFINITY;

const SAVED: SavedTime = { watermarkMs: NOTHING, scopes: {}, events: {}, upstream: {} };

function tracker(inputs: readonly string[], watermarkMs = NOTHING) {
  const tracked = new WatermarkTracker(
    inputs.map((topic) => ({ topic, upstream: [] })),
    OPTIONS,
    0,
  );
  tracked.restore({ ...SAVED, watermarkMs }, 0);
  return tracked;
}

/** A tracker of one input `r`, written by the tasks a, b and so on. */
function downstream(upstream: readonly string[], saved: SavedUpstream = {}) {
  const tracked = new WatermarkTracker([{ topic: 'r', upstream }], OPTIONS, 0);
  tracked.restore({ ...SAVED, upstream: saved }, 0);
  return tracked;
}

/** The watermark over all inputs at a time. */
function at(tracked: WatermarkTracker, nowMs: number): number {
  tracked.advance(nowMs);
  return tracked.watermarkMs;
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
  expect(at(tracked, 0)).toBe(NOTHING);
  read(tracked, 'a', 1000, { nowMs: 1 });
  expect(at(tracked, 1)).toBe(990);
  read(tracked, 'a', 500, { nowMs: 2 });
  expect(at(tracked, 2)).toBe(990);
  read(tracked, 'a', 1001, { nowMs: 3 });
  expect(at(tracked, 3)).toBe(991);
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
  expect(at(tracked, 1)).toBe(NOTHING);
  read(tracked, 'b', 200, { nowMs: 2 });
  expect(at(tracked, 2)).toBe(190);
  read(tracked, 'b', 5000, { nowMs: 3 });
  expect(at(tracked, 3)).toBe(990);
});

test('an input that was silent from the start holds back until it is known to be empty and idle', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  expect(at(tracked, 99)).toBe(NOTHING);
  emptyFetch(tracked, 'b', 99);
  expect(at(tracked, 99)).toBe(NOTHING);
  read(tracked, 'a', 1001, { nowMs: 100 });
  expect(at(tracked, 100)).toBe(991);
  expect(tracked.whole.isIdle).toBe(false);
});

test('an input with records behind its last fetch is never idle, however long it is silent', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  read(tracked, 'b', 200, { nowMs: 1, atEnd: false });
  expect(at(tracked, 1_000_000)).toBe(190);
  expect(tracked.whole.isIdle).toBe(false);
});

test('a fetch that did not reach the end takes back what an earlier one confirmed', () => {
  const tracked = tracker(['a']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  tracked.fetched('a', { records: 3, atEnd: false }, 2);
  expect(at(tracked, 1_000_000)).toBe(990);
});

test('a pause in reading takes the confirmation of every input back', () => {
  const tracked = tracker(['a']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  tracked.unconfirm();
  expect(at(tracked, 1_000_000)).toBe(990);
  emptyFetch(tracked, 'a', 1_000_000);
  expect(at(tracked, 1_000_000)).toBe(990);
  expect(at(tracked, 1_000_007)).toBe(997);
});

test('moves with the clock while every input is idle, from the latest event on', () => {
  const tracked = tracker(['a', 'b']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  read(tracked, 'b', 200, { nowMs: 1 });
  expect(at(tracked, 50)).toBe(190);
  expect(at(tracked, 101)).toBe(990);
  expect(tracked.whole.isIdle).toBe(true);
  expect(at(tracked, 151)).toBe(1040);
  expect(at(tracked, 140)).toBe(1040);
});

test('goes on from events when they come again', () => {
  const tracked = tracker(['a']);
  read(tracked, 'a', 1000, { nowMs: 1 });
  tracked.advance(101);
  tracked.advance(601);
  read(tracked, 'a', 1200, { nowMs: 602 });
  expect(at(tracked, 602)).toBe(1490);
  expect(tracked.whole.isIdle).toBe(false);
  read(tracked, 'a', 1600, { nowMs: 603 });
  expect(at(tracked, 603)).toBe(1590);
  expect(at(tracked, 703)).toBe(1590);
  expect(at(tracked, 713)).toBe(1600);
});

test('no time passes before the first event', () => {
  const tracked = tracker(['a']);
  emptyFetch(tracked, 'a', 0);
  expect(at(tracked, 1_000_000)).toBe(NOTHING);
});

test('starts at the restored watermark and moves with the clock from there', () => {
  const tracked = tracker(['a'], 700);
  emptyFetch(tracked, 'a', 0);
  expect(at(tracked, 100)).toBe(700);
  expect(at(tracked, 150)).toBe(750);
});

describe('an input that carries the watermarks of upstream tasks', () => {
  test('takes the lowest, without the out-of-order bound; event times do not move it', () => {
    const tracked = downstream(['a', 'b']);
    expect(tracked.observe('r', 5000)).toBe(false);
    expect(tracked.marked('r', mark('a', 1000))).toBe(true);
    expect(at(tracked, 1)).toBe(NOTHING);
    tracked.marked('r', mark('b', 400));
    expect(at(tracked, 2)).toBe(400);
    tracked.marked('r', mark('b', 3000));
    expect(at(tracked, 3)).toBe(1000);
  });

  test('is not held back by tasks that are idle, also from the start', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000));
    tracked.marked('r', mark('b', NOTHING, 'idle'));
    expect(at(tracked, 1)).toBe(1000);
    expect(tracked.whole.isIdle).toBe(false);
  });

  test('never goes back when an idle task comes again behind the others', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000));
    tracked.marked('r', mark('b', NOTHING, 'idle'));
    tracked.advance(1);
    tracked.marked('r', mark('b', 500));
    expect(at(tracked, 2)).toBe(1000);
    tracked.marked('r', mark('a', 2000));
    expect(at(tracked, 3)).toBe(1000);
    tracked.marked('r', mark('b', 1500));
    expect(at(tracked, 4)).toBe(1500);
  });

  test('moves with the clock only when every task is idle and the input is read to its end', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000, 'idle'));
    tracked.marked('r', mark('b', 400));
    tracked.fetched('r', { records: 2, atEnd: true }, 10);
    expect(at(tracked, 5000)).toBe(400);
    tracked.marked('r', mark('b', 400, 'idle'));
    expect(at(tracked, 5000)).toBe(1000);
    expect(at(tracked, 5300)).toBe(1300);
    expect(tracked.whole.isIdle).toBe(true);
    tracked.unconfirm();
    expect(at(tracked, 9000)).toBe(1300);
  });

  test('says that the clock moved it where that moves all tasks before it', () => {
    const tracked = downstream(['a', 'b']);
    tracked.marked('r', mark('a', 1000, 'clock'));
    tracked.marked('r', mark('b', 400));
    expect([at(tracked, 1), tracked.whole.isByClock]).toEqual([400, false]);
    tracked.marked('r', mark('b', 2000, 'idle'));
    expect([at(tracked, 2), tracked.whole.isByClock, tracked.whole.isIdle]).toEqual([1000, true, false]);
  });

  test('remembers what it was told over a restart', () => {
    const before = downstream(['a', 'b']);
    before.marked('r', mark('a', 1000));
    const after = downstream(['a', 'b'], JSON.parse(JSON.stringify(before.saved.upstream)) as SavedUpstream);
    expect(at(after, 1)).toBe(NOTHING);
    after.marked('r', mark('b', 700));
    expect(at(after, 2)).toBe(700);
  });

  test('forgets tasks that there are no more', () => {
    const tracked = downstream(['a'], { r: { a: [900, 'active'], gone: [1, 'active'] } });
    expect(at(tracked, 1)).toBe(900);
    expect(tracked.marked('r', mark('gone', 5000))).toBe(false);
  });
});

describe('the scope of some inputs', () => {
  test('has the lowest watermark of these, and its own idle time', () => {
    const tracked = tracker(['a', 'b', 'c']);
    const scope = tracked.scope(['b', 'a']);
    expect(tracked.scope(['a', 'b'])).toBe(scope);
    read(tracked, 'a', 1000, { nowMs: 1 });
    read(tracked, 'b', 2000, { nowMs: 1 });
    expect(tracked.advance(1)).toBe(true);
    expect([scope.watermarkMs, scope.hasMoved, tracked.watermarkMs]).toEqual([990, true, NOTHING]);
    read(tracked, 'c', 100, { nowMs: 90 });
    expect(tracked.advance(90)).toBe(true);
    expect([scope.watermarkMs, scope.hasMoved, tracked.watermarkMs]).toEqual([990, false, 90]);
    for (const nowMs of [101, 111]) {
      emptyFetch(tracked, 'a', nowMs);
      emptyFetch(tracked, 'b', nowMs);
      tracked.advance(nowMs);
    }
    expect([scope.watermarkMs, scope.isIdle, scope.reason]).toEqual([2000, true, 'idle']);
    expect([tracked.watermarkMs, tracked.whole.isIdle, tracked.whole.reason]).toEqual([
      90,
      false,
      'watermark',
    ]);
  });

  test('goes on from its own watermark, a new one from the latest that is no later than its own was', () => {
    const saved = { ...SAVED, watermarkMs: 5, scopes: { 'a b c': 5, 'a b': 20, c: 30 } };
    const restored = (topics: readonly string[]) => {
      const tracked = new WatermarkTracker(
        ['a', 'b', 'c'].map((topic) => ({ topic, upstream: [] })),
        OPTIONS,
        0,
      );
      const scope = tracked.scope(topics);
      tracked.restore(saved, 0);
      return scope.watermarkMs;
    };
    expect([['a', 'b', 'c'], ['a', 'b'], ['c'], ['a'], ['a', 'c']].map(restored)).toEqual([5, 20, 30, 20, 5]);
  });

  test('of a topic that is no input is a fault', () => {
    expect(() => tracker(['a']).scope(['b'])).toThrow('no input b');
  });
});

test('what an input has seen is saved, so that its silence counts after a restart', () => {
  const before = tracker(['a', 'b']);
  read(before, 'a', 1000, { nowMs: 1 });
  expect(at(before, 1)).toBe(NOTHING);
  expect(before.saved).toEqual({ ...SAVED, events: { a: 1000 } });
  const after = tracker(['a', 'b']);
  after.restore(before.saved, 0);
  for (const nowMs of [50, 100, 150])
    for (const input of ['a', 'b']) {
      emptyFetch(after, input, nowMs);
      after.advance(nowMs);
    }
  expect([after.watermarkMs, after.whole.isIdle]).toEqual([990 + 50, true]);
});
