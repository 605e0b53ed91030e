import type { Aggregator } from './aggregator.ts';
import {
  addCompensated,
  compensatedTotal,
  mergeCompensated,
  type CompensatedSum,
} from './compensated-sum.ts';
import { finiteNumbers, type Selector } from './selector.ts';

const LAYOUT = 'mean';

/** How many numbers were added, and their sum. JSON. */
export type MeanState = [count: number, sum: CompensatedSum];

/**
 * Arithmetic mean of numbers, null where there are none. As exact as {@link sum}, with one division at the end.
 * @throws RangeError from `add`, where the selector gives a number that is not finite or the sum overflows
 */
export function mean<V>(of: Selector<V, number>): Aggregator<V, MeanState, number | null> {
  const select = finiteNumbers(of, LAYOUT);
  return {
    layout: LAYOUT,
    init: () => [0, [0, 0]],
    add: (accumulator, value) => {
      const x = select(value);
      if (x === undefined) return accumulator;
      addCompensated(accumulator[1], x, LAYOUT);
      accumulator[0] += 1;
      return accumulator;
    },
    merge: (into, other) => {
      mergeCompensated(into[1], other[1], LAYOUT);
      into[0] += other[0];
      return into;
    },
    result: ([count, sum]) => (count === 0 ? null : compensatedTotal(sum) / count),
    subtract: (accumulator, value) => {
      const x = select(value);
      if (x === undefined) return accumulator;
      accumulator[0] -= 1;
      if (accumulator[0] === 0) accumulator[1].fill(0);
      else addCompensated(accumulator[1], 0 - x, LAYOUT);
      return accumulator;
    },
    check: select,
  };
}
