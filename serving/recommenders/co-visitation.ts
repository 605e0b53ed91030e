import type { RecommendationContext, Recommender, Candidate } from './recommender.ts';

export interface CoVisitationOptions {
  /** How many of the newest viewed items count. */
  readonly recentItems: number;
  /** Weight of a view relative to the next newer one. */
  readonly positionDecay: number;
  /** Age relative to the newest view at which a view weighs half. */
  readonly halfLifeMs: number;
}

export const CO_VISITATION_DEFAULTS: CoVisitationOptions = {
  recentItems: 10,
  positionDecay: 0.8,
  halfLifeMs: 3_600_000,
};

interface Support {
  score: number;
  readonly from: { readonly itemId: string; readonly share: number }[];
}

/** At most this many viewed items are named as the reason. */
const NAMED_REASONS = 2;

/**
 * Items that other visitors viewed together with what this one viewed last: item-item co-visitation, the neighbours of
 * each recent item weighted by position and age (the session decays of STAN: Garg et al., SIGIR 2019, section 3) and
 * summed. Each neighbour list is scaled to its best entry, since scores compare only within a list. Ages are taken
 * relative to the newest view, so a visitor who comes back after a week is served as before. Items already viewed are
 * left out. O(recent · neighbours).
 */
export function coVisitation(options: CoVisitationOptions = CO_VISITATION_DEFAULTS): Recommender {
  return {
    name: 'co-visitation',
    recommend: (context) => rank(sumSupport(context, options)),
  };
}

function sumSupport(context: RecommendationContext, options: CoVisitationOptions): Map<string, Support> {
  const { viewed } = context.history;
  const seen = new Set(viewed.map((view) => view.itemId));
  const newestMs = viewed[0]?.atMs ?? 0;
  const support = new Map<string, Support>();
  viewed.slice(0, options.recentItems).forEach((view, position) => {
    const neighbours = context.neighbours.get(view.itemId)?.items ?? [];
    const best = Math.max(...neighbours.map((neighbour) => neighbour.score), 0);
    if (best <= 0) return;
    const ageMs = Math.max(newestMs - view.atMs, 0);
    const weight = options.positionDecay ** position * 2 ** (-ageMs / options.halfLifeMs);
    for (const { itemId, score } of neighbours) {
      if (seen.has(itemId)) continue;
      const share = (weight * score) / best;
      const entry = support.get(itemId) ?? { score: 0, from: [] };
      entry.score += share;
      entry.from.push({ itemId: view.itemId, share });
      support.set(itemId, entry);
    }
  });
  return support;
}

function rank(support: ReadonlyMap<string, Support>): readonly Candidate[] {
  return [...support]
    .map(([itemId, { score, from }]) => {
      const strongest = [...from].sort((a, b) => b.share - a.share).map((source) => source.itemId);
      const because = [...new Set(strongest)].slice(0, NAMED_REASONS);
      return { itemId, score, because, reason: `Often viewed together with ${because.join(' and ')}` };
    })
    .sort((a, b) => b.score - a.score || (a.itemId < b.itemId ? -1 : 1));
}
