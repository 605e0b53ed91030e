/** Sub-topology `items`, keyed by item: who is visited with whom, and which items are wanted most. */
import { neighboursKey, TTL_MS } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope, internalMeta } from '../internal-event.ts';
import { toEvents, type NodeContext, type Push, type TopologyBuilder } from '../runtime/dsl/index.ts';
import type { ItemActivity, TrendingCandidates } from '../../schemas/generated/events.ts';
import { addToScore, scoreAt } from './decayed-score.ts';
import { addNeighbours, neighboursValue, noNeighbours, type ItemNeighbours } from './neighbours.ts';

const MAX_ITEMS_PER_TASK = 1_000_000;
const CANDIDATES = 100;
/** A purchase says more than a cart, a cart more than a view. */
export const WEIGHT = { view: 1, cart: 3, purchase: 10 } as const;
/** Half-life of demand. */
export const TRENDING_HALF_LIFE_MS = 30 * 60_000;

const SUBTOPOLOGY = 'items';

/** How every job reads what happens to items: by the tasks of the items. */
export function itemActivity(app: TopologyBuilder) {
  return app.events(INTERNAL_TOPICS.itemActivity.name, { subtopology: SUBTOPOLOGY });
}

export function itemsJob(app: TopologyBuilder): void {
  const activity = itemActivity(app);
  activity.filter(({ neighbours }) => neighbours.length > 0).process('co-visitation', coVisitation);
  activity
    .process<TrendingCandidates>('demand', demand)
    .to(toEvents(INTERNAL_TOPICS.trendingCandidates.name, () => 'all'));
}

/** Keeps who is visited with whom, and tells the online store. */
function coVisitation(context: NodeContext): Push<ItemActivity> {
  const neighbours = context.store<ItemNeighbours>('neighbours', { maxEntries: MAX_ITEMS_PER_TASK });
  context.onlineView(neighbours, { key: neighboursKey, value: neighboursValue, ttlMs: TTL_MS.neighbours });
  return ({ itemId, neighbours: counts, eventTime }) => {
    const item = neighbours.get(itemId) ?? noNeighbours();
    addNeighbours(item, counts, eventTime);
    neighbours.set(itemId, item);
  };
}

/**
 * Keeps decayed scores of items, and says with each commit that has something new which of them are the partition's most
 * wanted. Commits that only carry a watermark say nothing.
 */
function demand(context: NodeContext, emit: Push<TrendingCandidates>): Push<ItemActivity> {
  const scores = context.store<number>('scores', { maxEntries: MAX_ITEMS_PER_TASK });
  /** Items that may be among the best: the best of the last commit and those touched since. */
  let contenders: Set<string> | undefined;
  let latestEventTimeMs = 0;
  let hasNews = false;

  const sayBest = () => {
    if (!hasNews || contenders === undefined) return;
    hasNews = false;
    const best = [...contenders]
      .map((itemId) => [itemId, scores.get(itemId) ?? Number.NEGATIVE_INFINITY] as const)
      .filter(([, score]) => score > Number.NEGATIVE_INFINITY)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, CANDIDATES);
    contenders = new Set(best.map(([itemId]) => itemId));
    const asOfMs = latestEventTimeMs;
    const candidates: TrendingCandidates = {
      type: 'TrendingCandidates',
      ...internalEnvelope(context, { eventTime: asOfMs, traceparent: null }),
      partition: context.partition,
      items: best.map(([itemId, score]) => ({
        itemId,
        score: scoreAt(score, asOfMs, TRENDING_HALF_LIFE_MS),
      })),
    };
    emit(candidates, internalMeta(candidates));
  };
  // An index of the scores, which a step that is rolled back may leave with one item too many.
  context.attach({ beforeCommit: sayBest });

  return (event) => {
    latestEventTimeMs = Math.max(latestEventTimeMs, event.eventTime);
    hasNews = true;
    const weight = event.views * WEIGHT.view + event.carts * WEIGHT.cart + event.purchases * WEIGHT.purchase;
    if (weight <= 0) return;
    const score = addToScore(scores.get(event.itemId), weight, event.eventTime, TRENDING_HALF_LIFE_MS);
    scores.set(event.itemId, score);
    // After a restart every item is a contender once.
    contenders ??= new Set([...scores.entries()].map(([itemId]) => itemId));
    contenders.add(event.itemId);
  };
}
