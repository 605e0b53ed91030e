import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { distinct } from './distinct.ts';
import type { Item } from './item.ts';

const items = distinct((value: Item) => value);
const values = fc.array(
  fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('1', '__proto__', '\ud800', '\udc00'),
  ),
);

aggregatorLaws(items, { values });

test('counts different items', () => {
  fc.assert(
    fc.property(values, (list) => {
      expect(resultOf(items, list)).toBe(new Set(list).size);
    }),
  );
});

test('tells 1 from its text, not 0 from −0, and skips undefined', () => {
  const optional = distinct((value: Item | undefined) => value);
  expect(resultOf(optional, [1, '1', 0, -0, undefined])).toBe(3);
});

test('refuses what is neither a string nor a finite number', () => {
  expect(() => items.add(items.init(), Number.NaN)).toThrow('distinct: NaN is neither');
  expect(() => items.add(items.init(), null as unknown as Item)).toThrow(RangeError);
});
