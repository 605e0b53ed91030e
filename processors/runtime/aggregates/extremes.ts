import type { Aggregator } from './aggregator.ts';
import { finiteNumbers, type Selector } from './selector.ts';

/** The extreme so far, or nothing. JSON, and changed in place so that adding allocates nothing. */
export type ExtremeState = [] | [extreme: number];

/**
 * Least number, null where there are none.
 * @throws RangeError from `add`, where the selector gives a number that is not finite
 */
export function min<V>(of: Selector<V, number>): Aggregator<V, ExtremeState, number | null> {
  return extreme(of, 'min', (x, best) => x < best);
}

/**
 * Greatest number, null where there are none.
 * @throws RangeError from `add`, where the selector gives a number that is not finite
 */
export function max<V>(of: Selector<V, number>): Aggregator<V, ExtremeState, number | null> {
  return extreme(of, 'max', (x, best) => x > best);
}

function extreme<V>(
  of: Selector<V, number>,
  layout: string,
  isBetter: (x: number, best: number) => boolean,
): Aggregator<V, ExtremeState, number | null> {
  const select = finiteNumbers(of, layout);
  const offer = (state: ExtremeState, x: number | undefined): ExtremeState => {
    if (x !== undefined && (state[0] === undefined || isBetter(x, state[0]))) state[0] = x;
    return state;
  };
  return {
    layout,
    init: () => [],
    add: (accumulator, value) => offer(accumulator, select(value)),
    merge: (into, other) => offer(into, other[0]),
    result: (accumulator) => accumulator[0] ?? null,
    check: select,
  };
}
