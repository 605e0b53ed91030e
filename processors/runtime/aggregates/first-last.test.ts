import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { first, last } from './first-last.ts';

interface Reading {
  readonly atMs: number;
  readonly value: string | number | undefined;
}

const readings = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 5 }),
    value: fc.option(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.integer()), { nil: undefined }),
  }),
);

describe.each([
  { make: first, end: 0 },
  { make: last, end: -1 },
])('$make.name', ({ make, end }) => {
  const aggregator = make(
    (reading: Reading) => reading.value,
    (reading) => reading.atMs,
  );
  aggregatorLaws(aggregator, { values: readings });

  test('is the outermost value in the order of time and text', () => {
    fc.assert(
      fc.property(readings, (list) => {
        const sorted = list
          .filter(({ value }) => value !== undefined)
          .map(({ atMs, value }) => ({ atMs, value, text: JSON.stringify(value) }))
          .sort((a, b) => a.atMs - b.atMs || (a.text < b.text ? -1 : Number(a.text > b.text)));
        expect(resultOf(aggregator, list)).toBe(sorted.at(end)?.value ?? null);
      }),
    );
  });

  test('refuses a time that is not finite', () => {
    expect(() => aggregator.add(aggregator.init(), { atMs: Number.NaN, value: 'a' })).toThrow(
      `${make.name}: NaN is no finite number`,
    );
  });
});
