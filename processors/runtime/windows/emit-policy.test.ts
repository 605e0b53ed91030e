import { expect, test } from 'vitest';
import { anyOf, early, EarlyClock, onClose, onUpdate } from './emit-policy.ts';

test('policies can be joined; the shortest interval counts', () => {
  expect(anyOf(onClose(), onUpdate(), early({ everyMs: 50 }), early({ everyMs: 20 }))).toEqual({
    isOnUpdate: true,
    earlyEveryMs: 20,
  });
  expect(anyOf(onClose())).toEqual(onClose());
});

test('an interval of no time is refused', () => {
  expect(() => early({ everyMs: 0 })).toThrow(
    new RangeError('early: everyMs must be a whole number of at least 1, not 0'),
  );
});

test('early results come once for each interval, and not faster when the clock has jumped', () => {
  const clock = new EarlyClock(early({ everyMs: 10 }));
  const times = [100, 109, 110, 115, 119, 120, 500, 505, 510];
  expect(times.filter((nowMs) => clock.isDue(nowMs))).toEqual([110, 120, 500, 510]);
  expect(new EarlyClock(onUpdate()).isDue(1000)).toBe(false);
});
