import type { Aggregator } from './aggregator.ts';
import {
  addCompensated,
  compensatedTotal,
  mergeCompensated,
  type CompensatedSum,
} from './compensated-sum.ts';
import { finiteNumbers, type Selector } from './selector.ts';

const LAYOUT = 'sum';

/**
 * Sum of numbers, 0 where there are none. Exact for integers; for other doubles compensated, so that the order of the
 * values hardly matters ({@link addCompensated} has the bounds). Taking out a value undoes adding it as exactly.
 * @throws RangeError from `add`, where the selector gives a number that is not finite or the sum overflows
 */
export function sum<V>(of: Selector<V, number>): Aggregator<V, CompensatedSum, number> {
  const select = finiteNumbers(of, LAYOUT);
  return {
    layout: LAYOUT,
    init: () => [0, 0],
    add: (accumulator, value) => {
      const x = select(value);
      if (x !== undefined) addCompensated(accumulator, x, LAYOUT);
      return accumulator;
    },
    merge: (into, other) => {
      mergeCompensated(into, other, LAYOUT);
      return into;
    },
    result: compensatedTotal,
    subtract: (accumulator, value) => {
      const x = select(value);
      if (x !== undefined) addCompensated(accumulator, 0 - x, LAYOUT);
      return accumulator;
    },
    check: select,
  };
}
