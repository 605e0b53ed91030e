/** How well a ranked list meets what a user took later; each between 0 and 1. */
export interface RankingMetrics {
  /** Share of the relevant items that the list has. */
  readonly recall: number;
  /** Discounted cumulative gain over that of the best list of min(relevant, k) items (Järvelin & Kekäläinen 2002). */
  readonly ndcg: number;
  /** 1 / the rank of the first relevant item; 0 where there is none. */
  readonly reciprocalRank: number;
  /** Mean of the precisions at each relevant item, over min(relevant, k). */
  readonly averagePrecision: number;
  /** Whether the list has any. */
  readonly hit: number;
}

/**
 * Metrics of one list at k.
 * @param ranked best first, without repetitions
 * @param relevant without repetitions; at least one
 */
export function rankingMetrics(
  ranked: ArrayLike<number>,
  relevant: ReadonlySet<number>,
  k: number,
): RankingMetrics {
  let hits = 0;
  let gain = 0;
  let precisions = 0;
  let reciprocalRank = 0;
  for (let rank = 1; rank <= Math.min(k, ranked.length); rank++) {
    if (!relevant.has(ranked[rank - 1] ?? -1)) continue;
    hits += 1;
    gain += 1 / Math.log2(rank + 1);
    precisions += hits / rank;
    if (hits === 1) reciprocalRank = 1 / rank;
  }
  const most = Math.min(relevant.size, k);
  let ideal = 0;
  for (let rank = 1; rank <= most; rank++) ideal += 1 / Math.log2(rank + 1);
  return {
    ...{ recall: hits / relevant.size, ndcg: gain / ideal, reciprocalRank },
    ...{ averagePrecision: precisions / most, hit: hits > 0 ? 1 : 0 },
  };
}
