import type { Aggregator, Json } from './aggregator.ts';
import { integerOption, type Selector } from './selector.ts';
import { compareTimed, timedValues, type Timed } from './timed.ts';

export interface CollectOptions<V> {
  /** How many are kept: the latest by event time. */
  readonly max: number;
  /** Event time of a value. */
  readonly atMs: Selector<V, number>;
}

/**
 * The latest `max` values in the order of their event times, duplicates included; values at the same time are in the
 * order of their JSON texts. The order of arrival does not matter. Adding takes O(max).
 * @throws RangeError from `add`, where the time is not finite
 */
export function collect<V, T extends Json>(
  of: Selector<V, T>,
  { max, atMs }: CollectOptions<V>,
): Aggregator<V, Timed<T>[], readonly T[]> {
  integerOption('collect: max', max, { min: 1, max: 1_000_000 });
  const select = timedValues(of, atMs, 'collect');
  const insert = (list: Timed<T>[], timed: Timed<T>): void => {
    const at = placeOf(list, timed);
    if (at === 0 && list.length === max) return;
    list.splice(at, 0, timed);
    if (list.length > max) list.shift();
  };
  return {
    layout: `collect(${max})`,
    init: () => [],
    add: (accumulator, value) => {
      const timed = select(value);
      if (timed !== undefined) insert(accumulator, timed);
      return accumulator;
    },
    merge: (into, other) => {
      for (const timed of other) insert(into, timed);
      return into;
    },
    result: (accumulator) => accumulator.map(([, value]) => value),
    check: select,
  };
}

/** Index behind everything that does not come after the value; found from the end, where most values belong. */
function placeOf<T extends Json>(list: readonly Timed<T>[], timed: Timed<T>): number {
  let at = list.length;
  for (
    let before = list[at - 1];
    before !== undefined && compareTimed(before, timed) > 0;
    before = list[at - 1]
  )
    at -= 1;
  return at;
}
