import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { mean } from './mean.ts';

const numbers = mean((value: number) => value);
const integers = fc.array(fc.integer());

aggregatorLaws(numbers, { values: integers });

test('is the exact sum of integers over their number', () => {
  fc.assert(
    fc.property(integers, (list) => {
      const total = list.reduce((all, value) => all + BigInt(value), 0n);
      expect(resultOf(numbers, list)).toBe(list.length === 0 ? null : Number(total) / list.length);
    }),
  );
});

test('skips undefined', () => {
  expect(
    resultOf(
      mean((value: number | undefined) => value),
      [1, undefined, 3],
    ),
  ).toBe(2);
});

test('when all values were taken out nothing stays behind', () => {
  let accumulator = numbers.init();
  for (const value of [0.1, 0.2, 1e9]) accumulator = numbers.add(accumulator, value);
  for (const value of [0.2, 1e9, 0.1]) accumulator = numbers.subtract?.(accumulator, value) ?? accumulator;
  expect(accumulator).toEqual(numbers.init());
});

test('refuses what is not finite', () => {
  expect(() => numbers.add(numbers.init(), Number.NaN)).toThrow('mean: NaN is no finite number');
});
