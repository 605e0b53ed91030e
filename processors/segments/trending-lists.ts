import type { TrendingList } from '../../schemas/keys.ts';
import { TRENDING_HALF_LIFE_MS } from '../items/items.ts';
import type { NodeContext, Push } from '../runtime/dsl/index.ts';
import { mergeTrending } from '../trending/trending.ts';
import type { SegmentCandidates } from './segment-scores.ts';

const MINUTE_MS = 60_000;
/** After so long nothing is left of a score, and a segment that nobody is in any more is forgotten. */
const LIST_TTL_MS = 20 * TRENDING_HALF_LIFE_MS;
/** Items of a list. */
const MAX_ITEMS = 50;

type Candidates = Pick<SegmentCandidates, 'eventTime' | 'items'>;
/** By partition. */
type Partitions = Readonly<Record<string, Candidates>>;

export interface TrendingListsOptions {
  /** Names the state. */
  readonly name: string;
  /** Where the online store holds the list of each segment; it does not where absent. */
  readonly online?: { readonly key: (segment: string) => string; readonly ttlMs: number };
}

/**
 * Merges the candidates of the partitions into the list of each segment, and writes at the end of each minute of event time
 * the lists that have changed in it to table `segment_trending_minute`: as they are then, decayed to that moment.
 */
export function trendingLists(
  context: NodeContext,
  { name, online }: TrendingListsOptions,
): Push<SegmentCandidates> {
  const segments = context.store<Partitions>(name, { ttlMs: LIST_TTL_MS });
  if (online !== undefined)
    context.onlineView(segments, { ...online, value: (partitions) => JSON.stringify(listOf(partitions)) });
  const timers = context.timers(`${name}-minutes`, (segment, dueMs) => {
    const { asOfMs, items } = listOf(segments.get(segment) ?? {});
    const decay = 2 ** (-Math.max(0, dueMs - asOfMs) / TRENDING_HALF_LIFE_MS);
    context.outputs.versionedRow('segment_trending_minute', {
      window_start: dueMs - MINUTE_MS,
      segment,
      item_ids: items.map(({ itemId }) => itemId),
      scores: items.map(({ score }) => score * decay),
    });
  });
  return ({ segment, partition, eventTime, items }) => {
    segments.set(segment, { ...segments.get(segment), [partition]: { eventTime, items } });
    const nowMs = Math.max(eventTime, context.watermarkMs());
    if (timers.dueMs(segment) === undefined)
      timers.set(segment, (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS);
  };
}

function listOf(partitions: Partitions): TrendingList {
  const { asOfMs, items } = mergeTrending(Object.values(partitions));
  return { asOfMs, items: items.slice(0, MAX_ITEMS) };
}
