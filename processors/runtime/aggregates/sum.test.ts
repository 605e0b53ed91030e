import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { sum } from './sum.ts';

const numbers = sum((value: number) => value);
const doubles = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });

/** A double as an exact multiple of 2^-1074. */
function units(x: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const word = bits.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const fraction = word & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return x < 0 ? -magnitude : magnitude;
}

const magnitude = (x: bigint): bigint => (x < 0n ? -x : x);

/** Asserts the bound that addCompensated states, for one pass over the values (twice that for two). */
function expectWithinBound(result: number, exact: bigint, values: readonly number[]): void {
  const n = BigInt(values.length + 2);
  const total = values.reduce((all, x) => all + magnitude(units(x)), 0n);
  const bound = (magnitude(exact) >> 52n) + ((2n * n * n * total) >> 104n) + 1n;
  expect(magnitude(units(result) - exact) <= bound).toBe(true);
}

aggregatorLaws(numbers, { values: fc.array(fc.maxSafeInteger()) });
aggregatorLaws(
  sum((value: number | undefined) => value),
  {
    values: fc.array(fc.option(doubles, { nil: undefined })),
    expectSame: (result, expected, values) =>
      expectWithinBound(
        result,
        units(expected),
        values.filter((value) => value !== undefined),
      ),
  },
);

test('is the exact sum of integers, rounded once', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger()), (list) => {
      const exact = list.reduce((total, value) => total + BigInt(value), 0n);
      expect(resultOf(numbers, list)).toBe(Number(exact));
    }),
  );
});

test('is within the stated bound for doubles', () => {
  fc.assert(
    fc.property(fc.array(doubles), (list) => {
      const exact = list.reduce((total, value) => total + units(value), 0n);
      expectWithinBound(resultOf(numbers, list), exact, list);
    }),
  );
});

test('keeps small numbers beside large ones', () => {
  expect(resultOf(numbers, [1, 1e100, 1, -1e100])).toBe(2);
  expect(resultOf(numbers, Array<number>(10).fill(0.1))).toBe(1);
});

test('is 0 for nothing, and for −0', () => {
  expect(resultOf(numbers, [])).toBe(0);
  expect(resultOf(numbers, [-0])).toBe(0);
});

test('refuses what is not finite and changes nothing', () => {
  const accumulator = numbers.add(numbers.init(), Number.MAX_VALUE);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE])
    expect(() => numbers.add(accumulator, value)).toThrow(/^sum: /);
  expect(() => numbers.add(accumulator, Number.NaN)).toThrow(RangeError);
  expect(() => numbers.add(accumulator, 'x@y.example' as unknown as number)).toThrow(
    'sum: a value of type string is no finite number',
  );
  expect(numbers.result(accumulator)).toBe(Number.MAX_VALUE);
});
