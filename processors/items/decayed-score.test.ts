import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToScore, scoreAt } from './decayed-score.ts';

const HALF_LIFE_MS = 30 * 60_000;
const T0 = 1_767_225_600_000;

const events = fc.array(
  fc.record({ weight: fc.integer({ min: 1, max: 100 }), minutes: fc.integer({ min: 0, max: 600 }) }),
  { minLength: 1, maxLength: 50 },
);

test('is the sum of the weights, each halved for every half-life that has passed, in any order', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 600, max: 1000 }), (all, readAtMinutes) => {
      const atMs = T0 + readAtMinutes * 60_000;
      const naive = all.reduce((sum, e) => sum + e.weight * 2 ** (-(readAtMinutes - e.minutes) / 30), 0);
      const score = all.reduce<number | undefined>(
        (so, e) => addToScore(so, e.weight, T0 + e.minutes * 60_000, HALF_LIFE_MS),
        undefined,
      );
      expect(scoreAt(score ?? 0, atMs, HALF_LIFE_MS) / naive).toBeCloseTo(1, 5);
    }),
  );
});

test('two scores compare the same at every time', () => {
  const older = addToScore(undefined, 8, T0, HALF_LIFE_MS);
  const newer = addToScore(undefined, 3, T0 + 2 * HALF_LIFE_MS, HALF_LIFE_MS);
  expect(older < newer).toBe(true);
  for (const hours of [1, 10, 100])
    expect(scoreAt(older, T0 + hours * 3_600_000, HALF_LIFE_MS)).toBeLessThan(
      scoreAt(newer, T0 + hours * 3_600_000, HALF_LIFE_MS),
    );
});

test('years of events do not overflow', () => {
  const score = addToScore(addToScore(undefined, 1, 0, HALF_LIFE_MS), 5, 4e12, HALF_LIFE_MS);
  expect(Number.isFinite(score)).toBe(true);
  expect(scoreAt(score, 4e12, HALF_LIFE_MS)).toBeCloseTo(5, 5);
});
