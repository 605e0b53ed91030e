import type { Aggregator, Json } from './aggregator.ts';
import type { Item } from './item.ts';
import { items, type Selector } from './selector.ts';

/**
 * Exact number of different strings and numbers; 1 and '1' differ, 0 and −0 do not. Keeps every one of them: for more
 * than some thousands take {@link distinctApproximate}.
 * @throws RangeError from `add`, where the selector gives a number that is not finite
 */
export function distinct<V, T extends Item>(of: Selector<V, T>): Aggregator<V, Set<T>, number> {
  const select = items(of, 'distinct');
  return {
    layout: 'distinct',
    init: () => new Set(),
    add: (accumulator, value) => {
      const item = select(value);
      return item === undefined ? accumulator : accumulator.add(item);
    },
    merge: (into, other) => {
      for (const item of other) into.add(item);
      return into;
    },
    result: (accumulator) => accumulator.size,
    check: select,
    pack: (accumulator): Json => [...accumulator],
    unpack: (packed) => new Set(packed as T[]),
  };
}
