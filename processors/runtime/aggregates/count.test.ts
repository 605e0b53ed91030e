import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { count, countIf } from './count.ts';

const values = fc.array(fc.integer());
const isEven = (value: number): boolean => value % 2 === 0;

aggregatorLaws(count(), { values });
aggregatorLaws(countIf(isEven), { values });

test('counts all values, or those that meet the predicate', () => {
  fc.assert(
    fc.property(values, (list) => {
      expect(resultOf(count(), list)).toBe(list.length);
      expect(resultOf(countIf(isEven), list)).toBe(list.filter(isEven).length);
    }),
  );
});
