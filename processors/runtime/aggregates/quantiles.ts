import type { Aggregator } from './aggregator.ts';
import { finiteNumbers, integerOption, type Selector } from './selector.ts';
import { DDSketch, logGammaOf } from './sketches/ddsketch.ts';

export interface QuantilesOptions {
  /** α, from 0.0001 to 0.5: a result is within α times the true quantile. 0.01, where not given. */
  readonly relativeError?: number;
  /** Bound on the buckets for each sign, 8 bytes each; where not given, as many as magnitudes over 15 decades need. */
  readonly maxBuckets?: number;
}

/** One result for each quantile asked for, null where there are no numbers. */
export type QuantilesResult<Q extends readonly number[]> = { readonly [I in keyof Q]: number | null };

/**
 * Quantiles of numbers by a DDSketch: for each q from 0 to 1, the number of rank ⌊q·(n − 1)⌋ of n in ascending order,
 * within the relative error; 0 and 1 give the exact minimum and maximum. Numbers of both signs and zero; magnitudes
 * below 2^-1022 count as zero. Where the magnitudes of one sign span more than `maxBuckets` allow, the smallest of them
 * lose the bound. The result does not depend on order or merging at all.
 *
 * State of other quantiles is compatible, of another error or bound not.
 * @throws RangeError from `add`, where the selector gives a number that is not finite
 */
export function quantiles<V, const Q extends readonly number[]>(
  of: Selector<V, number>,
  ranks: Q,
  { relativeError = 0.01, maxBuckets = bucketsForDecades(15, relativeError) }: QuantilesOptions = {},
): Aggregator<V, DDSketch, QuantilesResult<Q>> {
  if (!(relativeError >= 0.0001 && relativeError <= 0.5))
    throw new RangeError(`quantiles: relativeError must be from 0.0001 to 0.5, not ${relativeError}`);
  integerOption('quantiles: maxBuckets', maxBuckets, { min: 1, max: 1_000_000 });
  for (const q of ranks)
    if (!(q >= 0 && q <= 1)) throw new RangeError(`quantiles: a quantile must be from 0 to 1, not ${q}`);
  const select = finiteNumbers(of, 'quantiles');
  const options = { relativeError, maxBuckets };
  return {
    layout: `quantiles(ddsketch,${relativeError},${maxBuckets})`,
    init: () => new DDSketch(options),
    add: (accumulator, value) => {
      const x = select(value);
      if (x !== undefined) accumulator.add(x);
      return accumulator;
    },
    merge: (into, other) => {
      into.merge(other);
      return into;
    },
    result: (accumulator) => ranks.map((q) => accumulator.quantile(q) ?? null) as QuantilesResult<Q>,
    check: select,
    pack: (accumulator) => accumulator.pack(),
    unpack: (packed) => DDSketch.unpack(options, packed as string),
  };
}

function bucketsForDecades(decades: number, relativeError: number): number {
  return Math.ceil((decades * Math.LN10) / logGammaOf(relativeError));
}
