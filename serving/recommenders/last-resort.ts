import type { Candidate, Recommender } from './recommender.ts';

/**
 * Fills what is left when nobody else knows better: popular items of earlier answers first, then what the visitor
 * viewed, the item on the screen last. Here viewed items are allowed: a repeated item beats an empty shelf.
 */
export function lastResort(): Recommender {
  return {
    name: 'last-resort',
    recommend(context) {
      const reasons = new Map<string, Candidate['reason']>();
      const [current, ...earlier] = context.history.viewed.map((view) => view.itemId);
      for (const itemId of context.fallbackItems()) reasons.set(itemId, 'Popular in this shop');
      for (const itemId of earlier) {
        reasons.delete(itemId);
        reasons.set(itemId, 'Viewed before');
      }
      if (current !== undefined) {
        reasons.delete(current);
        reasons.set(current, 'Viewed just now');
      }
      return [...reasons].map(([itemId, reason], rank) => ({
        itemId,
        score: 1 / (rank + 1),
        because: [],
        reason,
      }));
    },
  };
}
