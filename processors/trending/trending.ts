/** Sub-topology `trending`, one task: the most wanted items of the whole shop, from the best of each partition. */
import type { TrendingCandidates } from '../../schemas/generated/events.ts';
import { trendingKey, TTL_MS, type TrendingList } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { TRENDING_HALF_LIFE_MS } from '../items/items.ts';
import type { TopologyBuilder } from '../runtime/dsl/index.ts';

const MAX_TRENDING = 100;

type Candidates = Pick<TrendingCandidates, 'eventTime' | 'items'>;

/** Merges the lists of the partitions as of the newest of them; an item is in one partition only. */
export function mergeTrending(partitions: readonly Candidates[]): TrendingList {
  const asOfMs = Math.max(...partitions.map((part) => part.eventTime));
  const items = partitions.flatMap((part) => {
    const decay = 2 ** (-(asOfMs - part.eventTime) / TRENDING_HALF_LIFE_MS);
    return part.items.map(({ itemId, score }) => ({ itemId, score: Number((score * decay).toPrecision(4)) }));
  });
  items.sort((a, b) => b.score - a.score || (a.itemId < b.itemId ? -1 : 1));
  return { asOfMs, items: items.slice(0, MAX_TRENDING) };
}

/** How every job reads what the partitions want most: by one task. */
export function trendingCandidates(app: TopologyBuilder) {
  return app.events(INTERNAL_TOPICS.trendingCandidates.name, { subtopology: 'trending' });
}

export function trendingJob(app: TopologyBuilder): void {
  trendingCandidates(app).process('trending-list', (context) => {
    const partitions = context.store<Candidates>('partitions');
    context.onlineView(partitions, {
      key: trendingKey(),
      whole: (entries) => JSON.stringify(mergeTrending([...entries].map(([, part]) => part))),
      ttlMs: TTL_MS.trending,
    });
    return ({ partition, eventTime, items }) => {
      partitions.set(String(partition), { eventTime, items });
    };
  });
}
