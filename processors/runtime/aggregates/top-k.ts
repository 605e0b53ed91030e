import type { Aggregator, Json } from './aggregator.ts';
import type { Item } from './item.ts';
import { integerOption, items, type Selector } from './selector.ts';
import { SpaceSaving, type PackedSpaceSaving, type TopItem } from './sketches/space-saving.ts';

export interface TopKOptions {
  /** How many items the result names. */
  readonly k: number;
  /** How many items are counted at a time, at least k: the error of a count is at most values/capacity. */
  readonly capacity: number;
}

/**
 * The k most frequent strings or numbers with their counts, the greatest first, equal counts in the order of the items
 * (numbers before strings).
 *
 * Up to `capacity` different items the counts are exact and no order matters. Beyond that ({@link SpaceSaving}), with n
 * values: the true count is from `count − error` to `count`, error ≤ n/capacity, an item with more than n/capacity
 * values is never missed among the counters; the order of adding and merging can then change counts within these
 * bounds. State of another k is compatible, of another capacity not.
 * @throws RangeError from `add`, where the selector gives a number that is not finite
 */
export function topK<V, T extends Item>(
  of: Selector<V, T>,
  { k, capacity }: TopKOptions,
): Aggregator<V, SpaceSaving<T>, readonly TopItem<T>[]> {
  integerOption('topK: capacity', capacity, { min: 1, max: 1_000_000 });
  integerOption('topK: k', k, { min: 1, max: capacity });
  const select = items(of, 'topK');
  return {
    layout: `topK(space-saving,${capacity})`,
    init: () => new SpaceSaving(capacity),
    add: (accumulator, value) => {
      const item = select(value);
      if (item !== undefined) accumulator.add(item);
      return accumulator;
    },
    merge: (into, other) => {
      into.merge(other);
      return into;
    },
    result: (accumulator) => accumulator.top(k),
    check: select,
    pack: (accumulator): Json => accumulator.pack(),
    unpack: (packed) => SpaceSaving.unpack(capacity, packed as unknown as PackedSpaceSaving<T>),
  };
}
