import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { max, min } from './extremes.ts';

const doubles = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }));

describe.each([
  { make: min, oracle: (list: readonly number[]) => Math.min(...list) },
  { make: max, oracle: (list: readonly number[]) => Math.max(...list) },
])('$make.name', ({ make, oracle }) => {
  const numbers = make((value: number) => value);
  aggregatorLaws(numbers, { values: doubles });

  test('is the extreme of all values, with 0 for −0', () => {
    fc.assert(
      fc.property(doubles, (list) => {
        expect(resultOf(numbers, list)).toBe(list.length === 0 ? null : oracle(list) + 0);
      }),
    );
  });

  test('skips undefined and refuses what is not finite', () => {
    const optional = make((value: number | undefined) => value);
    expect(resultOf(optional, [undefined, 5, undefined])).toBe(5);
    expect(resultOf(optional, [undefined])).toBeNull();
    expect(() => optional.add(optional.init(), Number.NEGATIVE_INFINITY)).toThrow(
      `${make.name}: -Infinity is no finite number`,
    );
  });
});
