import type { Aggregator, Json } from './aggregator.ts';
import type { Selector } from './selector.ts';
import { compareTimed, timedValues, type Timed } from './timed.ts';

/**
 * What the selector gives for the value with the earliest event time, null where there is none. Of values at the same
 * time the one whose JSON text comes first, so that the order of arrival does not matter.
 * @throws RangeError from `add`, where the time is not finite
 */
export function first<V, T extends Json>(
  of: Selector<V, T>,
  atMs: Selector<V, number>,
): Aggregator<V, Timed<T> | null, T | null> {
  return outermost('first', timedValues(of, atMs, 'first'), (a, b) => compareTimed(a, b) < 0);
}

/**
 * What the selector gives for the value with the latest event time, null where there is none. Of values at the same
 * time the one whose JSON text comes last.
 * @throws RangeError from `add`, where the time is not finite
 */
export function last<V, T extends Json>(
  of: Selector<V, T>,
  atMs: Selector<V, number>,
): Aggregator<V, Timed<T> | null, T | null> {
  return outermost('last', timedValues(of, atMs, 'last'), (a, b) => compareTimed(a, b) > 0);
}

function outermost<V, T extends Json>(
  layout: string,
  select: Selector<V, Timed<T>>,
  isBetter: (a: Timed<T>, b: Timed<T>) => boolean,
): Aggregator<V, Timed<T> | null, T | null> {
  const better = (best: Timed<T> | null, timed: Timed<T> | null): Timed<T> | null => {
    if (timed === null || best === null) return timed ?? best;
    return isBetter(timed, best) ? timed : best;
  };
  return {
    layout,
    init: () => null,
    add: (accumulator, value) => better(accumulator, select(value) ?? null),
    merge: better,
    result: (accumulator) => accumulator?.[1] ?? null,
    check: select,
  };
}
