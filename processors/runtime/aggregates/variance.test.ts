import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { variance, type Moments } from './variance.ts';

const numbers = variance((value: number) => value);
const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }));

/** In two passes: the mean, then the distances from it. */
function bruteForce(list: readonly number[]): Moments | null {
  const count = list.length;
  if (count === 0) return null;
  const mean = list.reduce((total, x) => total + x, 0) / count;
  const squared = list.reduce((total, x) => total + (x - mean) ** 2, 0) / count;
  return { count, mean, variance: squared, standardDeviation: Math.sqrt(squared) };
}

function expectClose(result: Moments | null, expected: Moments | null, list: readonly number[]): void {
  if (result === null || expected === null) {
    expect(result).toBe(expected);
    return;
  }
  const largest = list.reduce((most, x) => Math.max(most, Math.abs(x)), Number.MIN_VALUE);
  expect(result.count).toBe(expected.count);
  expect(Math.abs(result.mean - expected.mean)).toBeLessThanOrEqual(
    1e-13 * list.length * largest + 2 ** -1022,
  );
  // Rounding moves each value by a part of the largest: the variance by that much times the deviation.
  const rounding = 1e-13 * list.length * largest;
  // Below 2^-1022 numbers have fewer digits.
  const slack = 4 * rounding * (expected.standardDeviation + rounding) + 2 ** -1022;
  expect(Math.abs(result.variance - expected.variance)).toBeLessThanOrEqual(slack);
  expect(result.standardDeviation).toBe(Math.sqrt(result.variance));
}

aggregatorLaws(numbers, { values, expectSame: expectClose });

test('agrees with two passes over the values', () => {
  fc.assert(fc.property(values, (list) => expectClose(resultOf(numbers, list), bruteForce(list), list)));
});

test('keeps its digits where the mean is large against the deviation', () => {
  const list = [4, 7, 13, 16].map((x) => x + 1e9);
  expect(resultOf(numbers, list)).toEqual({
    count: 4,
    mean: 1e9 + 10,
    variance: 22.5,
    standardDeviation: Math.sqrt(22.5),
  });
  const halves = list.map((x) => numbers.add(numbers.init(), x));
  const merged = halves.reduce((into, other) => numbers.merge(into, other));
  expect(numbers.result(merged)?.variance).toBe(22.5);
});

test('refuses what is not finite and squares beyond a double, and changes nothing', () => {
  const accumulator = numbers.add(numbers.init(), -1e200);
  expect(() => numbers.add(accumulator, Number.NaN)).toThrow('variance: NaN is no finite number');
  expect(() => numbers.add(accumulator, 1e200)).toThrow('variance: the total leaves the range of a double');
  expect(accumulator).toEqual([1, -1e200, 0]);
});
