import type { Recommender } from './recommender.ts';

/** What the whole shop wants most right now, without what this visitor has already viewed. */
export function trending(): Recommender {
  return {
    name: 'trending',
    recommend({ history, trending: list }) {
      const seen = new Set(history.viewed.map((view) => view.itemId));
      return (list?.items ?? [])
        .filter((item) => !seen.has(item.itemId))
        .map(({ itemId, score }) => ({
          itemId,
          score,
          because: [],
          reason: 'Wanted by many visitors right now',
        }));
    },
  };
}
