import type { Aggregator } from './aggregator.ts';
import { finiteNumbers, withinRange, type Selector } from './selector.ts';

const LAYOUT = 'variance';

/** Count, mean, and sum of squared distances from the mean. JSON. */
export type VarianceState = [count: number, mean: number, squares: number];

/** Moments of a population: its variance divides by the count, not by the count less one. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
  readonly standardDeviation: number;
}

/**
 * Mean, population variance and standard deviation, null where there are no numbers. Numbers are added as in Welford
 * (Technometrics 4, 1962) and accumulators merged as in Chan, Golub and LeVeque ("Updating formulae and a pairwise
 * algorithm for computing sample variances", 1979): stable where the mean is large against the deviation, and the same
 * in any order up to rounding. There is no `subtract`, since taking out an outlier would lose the digits of the rest.
 * @throws RangeError from `add`, where the selector gives a number that is not finite or a square overflows
 */
export function variance<V>(of: Selector<V, number>): Aggregator<V, VarianceState, Moments | null> {
  const select = finiteNumbers(of, LAYOUT);
  return {
    layout: LAYOUT,
    init: () => [0, 0, 0],
    add: (accumulator, value) => {
      const x = select(value);
      if (x !== undefined) addNumber(accumulator, x);
      return accumulator;
    },
    merge: mergeStates,
    result: momentsOf,
    check: select,
  };
}

function addNumber(state: VarianceState, x: number): void {
  const count = state[0] + 1;
  const distance = x - state[1];
  const mean = state[1] + distance / count;
  state[2] = withinRange(state[2] + distance * (x - mean), LAYOUT);
  state[0] = count;
  state[1] = mean;
}

function mergeStates(into: VarianceState, other: VarianceState): VarianceState {
  if (other[0] === 0) return into;
  const count = into[0] + other[0];
  const share = other[0] / count;
  const distance = other[1] - into[1];
  into[2] = withinRange(into[2] + other[2] + distance * distance * into[0] * share, LAYOUT);
  into[1] = into[0] === 0 ? other[1] : into[1] + distance * share;
  into[0] = count;
  return into;
}

function momentsOf([count, mean, squares]: VarianceState): Moments | null {
  if (count === 0) return null;
  const variance = squares / count;
  return { count, mean, variance, standardDeviation: Math.sqrt(variance) };
}
