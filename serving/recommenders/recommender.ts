import type { NeighbourList, TrendingList, VisitorHistory } from '../../schemas/keys.ts';

/** Names of the recommenders, as they appear in answers, in shop.served and in metrics. */
export type RecommenderName = 'co-visitation' | 'trending' | 'last-resort';

export interface Candidate {
  readonly itemId: string;
  /** Higher is better; compares only within one recommender. */
  readonly score: number;
  /** One sentence for people. */
  readonly reason: string;
  /** Items of the visitor's own history that led here, the strongest first; empty where there is none. */
  readonly because: readonly string[];
}

/** Everything that a recommender may look at. Reading is done before; recommenders are pure. */
export interface RecommendationContext {
  readonly history: VisitorHistory;
  /** Neighbours of the newest viewed items, by item. */
  readonly neighbours: ReadonlyMap<string, NeighbourList>;
  readonly trending: TrendingList | null;
  /** Items that are known to exist from earlier answers, the most wanted first. */
  fallbackItems(): readonly string[];
}

/**
 * Proposes items, the best first. May propose what was bought or what another one proposed: the caller leaves that
 * out. Proposes each item at most once.
 */
export interface Recommender {
  readonly name: RecommenderName;
  recommend(context: RecommendationContext): readonly Candidate[];
}
