import type { TrendingList, VisitorHistory, VisitorId } from '../schemas/keys.ts';
import { EMPTY_HISTORY } from './visitor-history.ts';

export interface FallbackMemory {
  /** Keeps the newest trending list that was read. */
  rememberTrending(list: TrendingList): void;
  /** Keeps the history for this visitor, and its items as items that exist. */
  rememberHistory(visitors: readonly VisitorId[], history: VisitorHistory): void;
  /** Keeps items in the order of their popularity, as the facts have it. */
  rememberPopular(itemIds: readonly string[]): void;
  lastTrending(): TrendingList | null;
  /** The history that was read last for this visitor; empty where none is remembered. */
  lastHistory(visitors: readonly VisitorId[]): VisitorHistory;
  /** The last good trending items, then the popular ones, then the items viewed last by anyone. */
  items(): readonly string[];
}

/** Newest views of one history whose items are kept; more adds nothing but work. */
const VIEWS_OF_ONE_HISTORY = 10;

/**
 * What this process has seen of the shop, so that an answer is never empty, and what was bought stays away from it, also
 * while the online store is down. Bounded: `capacity` items and `capacity` histories.
 */
export function createFallbackMemory(capacity = 1000): FallbackMemory {
  let trending: TrendingList | null = null;
  let popular: readonly string[] = [];
  const viewed = new Map<string, true>();
  const histories = new Map<string, VisitorHistory>();
  const keyOf = (visitors: readonly VisitorId[]) =>
    JSON.stringify(visitors.map(({ kind, id }) => [kind, id]));

  return {
    rememberTrending(list) {
      if (list.items.length > 0) trending = list;
    },
    rememberHistory(visitors, history) {
      putNewest(histories, { key: keyOf(visitors), value: history, capacity });
      for (const view of history.viewed.slice(0, VIEWS_OF_ONE_HISTORY).reverse()) {
        putNewest(viewed, { key: view.itemId, value: true, capacity });
      }
    },
    rememberPopular(itemIds) {
      if (itemIds.length > 0) popular = itemIds;
    },
    lastTrending: () => trending,
    lastHistory: (visitors) => histories.get(keyOf(visitors)) ?? EMPTY_HISTORY,
    items() {
      const wanted = (trending?.items ?? []).map((item) => item.itemId);
      return [...new Set([...wanted, ...popular, ...[...viewed.keys()].reverse()])];
    },
  };
}

/** A Map keeps the order of insertion: taking an entry out and putting it back makes it the newest. */
function putNewest<V>(map: Map<string, V>, entry: { key: string; value: V; capacity: number }): void {
  map.delete(entry.key);
  map.set(entry.key, entry.value);
  if (map.size <= entry.capacity) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
