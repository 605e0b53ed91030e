import { createHash } from 'node:crypto';
import type { NeighbourList, VisitorId } from '../schemas/keys.ts';
import type { FallbackMemory } from './fallback-memory.ts';
import type { OnlineReader } from './online-reader.ts';
import type { PopularItems } from './popular-items.ts';
import { CO_VISITATION_DEFAULTS, coVisitation } from './recommenders/co-visitation.ts';
import { fill, type Recommendation } from './recommenders/fill.ts';
import { lastResort } from './recommenders/last-resort.ts';
import type { RecommendationContext, Recommender } from './recommenders/recommender.ts';
import { trending } from './recommenders/trending.ts';
import { unlessStoreDown } from './store-down.ts';

/** The fallbacks in order; each fills the places that the ones before it left free. */
export const RECOMMENDERS: readonly Recommender[] = [coVisitation(), trending(), lastResort()];

/** Without the last resort: an item is not similar because it was viewed. */
const SIMILAR: readonly Recommender[] = RECOMMENDERS.slice(0, 2);

/** Names the recommenders with their parameters, so that a changed parameter is a changed version. */
export const MODEL_VERSION = `${RECOMMENDERS[0]?.name ?? 'none'}-${createHash('sha256')
  .update(JSON.stringify([RECOMMENDERS.map((recommender) => recommender.name), CO_VISITATION_DEFAULTS]))
  .digest('hex')
  .slice(0, 8)}`;

export interface Recommended {
  readonly items: readonly Recommendation[];
  /** The online store did not answer: items come from what this process remembers. */
  readonly degraded: boolean;
  /** Why there is no item; null where there are items. */
  readonly emptyReason: 'no-data-yet' | 'all-bought' | null;
}

export interface RecommendParts {
  readonly reader: OnlineReader;
  readonly memory: FallbackMemory;
  readonly popular: PopularItems;
  readonly now: () => number;
}

/**
 * Recommends for a visitor in at most two round trips to the online store. Empty only where nothing was ever seen, or
 * where everything that is known was bought. A store that is down degrades the answer and does not fail it.
 */
export async function recommend(
  parts: RecommendParts,
  visitors: readonly VisitorId[],
  limit: number,
): Promise<Recommended> {
  const { context, degraded } = await gather(parts, visitors);
  let items = fill(RECOMMENDERS, context, limit);
  if (items.length === 0) {
    parts.memory.rememberPopular(await parts.popular());
    items = fill(RECOMMENDERS, context, limit);
  }
  return { items, degraded, emptyReason: items.length > 0 ? null : whyEmpty(context) };
}

/**
 * Items viewed together with one item, then trending ones. The item itself is never among them. Degrades like
 * {@link recommend}.
 */
export async function similarItems(
  parts: RecommendParts,
  itemId: string,
  limit: number,
): Promise<Pick<Recommended, 'items' | 'degraded'>> {
  const read = await unlessStoreDown(
    Promise.all([parts.reader.neighbours([itemId]), parts.reader.trending()]),
  );
  const [neighbours, list] = read ?? [new Map<string, NeighbourList>(), null];
  if (list !== null) parts.memory.rememberTrending(list);
  const context: RecommendationContext = {
    // Seen as the history of a visitor who viewed this item only.
    history: { viewed: [{ itemId, atMs: parts.now() }], bought: [] },
    neighbours,
    trending: list ?? parts.memory.lastTrending(),
    fallbackItems: () => parts.memory.items(),
  };
  return { items: fill(SIMILAR, context, limit), degraded: read === null };
}

function whyEmpty(context: RecommendationContext): 'no-data-yet' | 'all-bought' {
  return context.history.bought.length > 0 ? 'all-bought' : 'no-data-yet';
}

async function gather(parts: RecommendParts, visitors: readonly VisitorId[]) {
  const base = { neighbours: new Map<string, NeighbourList>(), fallbackItems: () => parts.memory.items() };
  const state = await unlessStoreDown(parts.reader.visitor(visitors));
  if (state === null) {
    const history = parts.memory.lastHistory(visitors);
    const context: RecommendationContext = { ...base, history, trending: parts.memory.lastTrending() };
    return { context, degraded: true };
  }
  const { history } = state;
  if (state.trending !== null) parts.memory.rememberTrending(state.trending);
  parts.memory.rememberHistory(visitors, history);
  const recent = history.viewed.slice(0, CO_VISITATION_DEFAULTS.recentItems).map((view) => view.itemId);
  const neighbours = await unlessStoreDown(parts.reader.neighbours(recent));
  const context: RecommendationContext = {
    ...base,
    neighbours: neighbours ?? base.neighbours,
    history,
    trending: state.trending ?? parts.memory.lastTrending(),
  };
  return { context, degraded: neighbours === null };
}
