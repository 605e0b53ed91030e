import type { Aggregator } from './aggregator.ts';

/** Number of values. */
export function count(): Aggregator<unknown, number, number> {
  return {
    layout: 'count',
    init: () => 0,
    add: (accumulator) => accumulator + 1,
    merge: (into, other) => into + other,
    result: (accumulator) => accumulator,
    subtract: (accumulator) => accumulator - 1,
  };
}

/** Number of values for which the predicate holds. */
export function countIf<V>(predicate: (value: V) => boolean): Aggregator<V, number, number> {
  return {
    layout: 'countIf',
    init: () => 0,
    add: (accumulator, value) => (predicate(value) ? accumulator + 1 : accumulator),
    merge: (into, other) => into + other,
    result: (accumulator) => accumulator,
    subtract: (accumulator, value) => (predicate(value) ? accumulator - 1 : accumulator),
    check: predicate,
  };
}
