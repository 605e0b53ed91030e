import type { Candidate, RecommendationContext, Recommender, RecommenderName } from './recommender.ts';

export interface Recommendation extends Candidate {
  /** From 0. */
  readonly position: number;
  readonly source: RecommenderName;
}

/**
 * Asks the recommenders in order until `limit` places are filled. What was bought is never proposed, and no item
 * appears twice; where two propose the same item, the earlier one keeps it.
 */
export function fill(
  recommenders: readonly Recommender[],
  context: RecommendationContext,
  limit: number,
): readonly Recommendation[] {
  const taken = new Set(context.history.bought.map((item) => item.itemId));
  const chosen: Recommendation[] = [];
  for (const recommender of recommenders) {
    if (chosen.length >= limit) break;
    for (const candidate of recommender.recommend(context)) {
      if (chosen.length >= limit) break;
      if (taken.has(candidate.itemId)) continue;
      taken.add(candidate.itemId);
      chosen.push({ ...candidate, position: chosen.length, source: recommender.name });
    }
  }
  return chosen;
}
