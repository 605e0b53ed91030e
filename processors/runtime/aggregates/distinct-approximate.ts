import type { Aggregator } from './aggregator.ts';
import type { Item } from './item.ts';
import { integerOption, items, type Selector } from './selector.ts';
import { emptyHash, hashItem } from './sketches/hash64.ts';
import { HyperLogLog } from './sketches/hyperloglog.ts';

export interface DistinctApproximateOptions {
  /** p, from 4 to 18: the standard error is 1.04/√(2^p) in at most 2^p bytes. 12, where not given: 1.6 % in 4 KiB. */
  readonly precision?: number;
}

const hash = emptyHash();

/**
 * About how many different strings and numbers there are, rounded to an integer; 1 and '1' differ. Up to 3/16·2^p of
 * them are kept in four to eleven bytes each and hardly ever miscounted: two of them fall together once in 2^26 pairs,
 * and what that takes away on average is added again. The result depends on the set of the items only, never on order, repetition or merging.
 * @throws RangeError from `add`, where the selector gives a number that is not finite
 */
export function distinctApproximate<V>(
  of: Selector<V, Item>,
  { precision = 12 }: DistinctApproximateOptions = {},
): Aggregator<V, HyperLogLog, number> {
  integerOption('distinctApproximate: precision', precision, { min: 4, max: 18 });
  const select = items(of, 'distinctApproximate');
  return {
    layout: `distinct(hll,${precision})`,
    init: () => new HyperLogLog(precision),
    add: (accumulator, value) => {
      const item = select(value);
      if (item === undefined) return accumulator;
      hashItem(item, hash);
      accumulator.add(hash);
      return accumulator;
    },
    merge: (into, other) => {
      into.merge(other);
      return into;
    },
    result: (accumulator) => Math.round(accumulator.estimate()),
    check: select,
    pack: (accumulator) => accumulator.pack(),
    unpack: (packed) => HyperLogLog.unpack(precision, packed as string),
  };
}
