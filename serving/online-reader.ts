import type { Logger } from '../platform/log.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import {
  historyKey,
  itemKey,
  neighboursKey,
  recentAlertsKey,
  trendingKey,
  type AlertNotice,
  type ItemCard,
  type NeighbourList,
  type RecentAlerts,
  type TrendingList,
  type VisitorHistory,
  type VisitorId,
} from '../schemas/keys.ts';
import { SHOP_TOPICS } from '../schemas/topics.ts';
import { EMPTY_HISTORY, mergeHistories } from './visitor-history.ts';

export interface VisitorState {
  readonly history: VisitorHistory;
  readonly trending: TrendingList | null;
}

/** What serving reads from the online store. Each call is one round trip and rejects as the store does. */
export interface OnlineReader {
  visitor(visitors: readonly VisitorId[]): Promise<VisitorState>;
  neighbours(itemIds: readonly string[]): Promise<ReadonlyMap<string, NeighbourList>>;
  trending(): Promise<TrendingList | null>;
  /** Cards of the items that have one. */
  cards(itemIds: readonly string[]): Promise<ReadonlyMap<string, ItemCard>>;
  /** Newest first, each alert once. */
  recentAlerts(): Promise<readonly AlertNotice[]>;
}

export function createOnlineReader(store: OnlineStore, log: Logger): OnlineReader {
  // A value that is not what keys.ts says counts as absent: one broken list must not take the whole answer down.
  const parse = <T extends object>(text: string | null, what: string, isValue: (value: T) => boolean) => {
    if (text === null) return null;
    const value = parsed(text) as T | null;
    if (value !== null && isValue(value)) return value;
    log.warn({ what }, 'a value of the online store is not what its contract says; delete it or rewrite it');
    return null;
  };
  const isHistory = (value: VisitorHistory) => Array.isArray(value.viewed) && Array.isArray(value.bought);
  const isList = (value: NeighbourList | TrendingList) => Array.isArray(value.items);

  return {
    async visitor(visitors) {
      const [trending, ...histories] = await store.readMany([trendingKey(), ...visitors.map(historyKey)]);
      const known = histories.map((text) => parse<VisitorHistory>(text, 'history', isHistory));
      return {
        history: mergeHistories(known.map((history) => history ?? EMPTY_HISTORY)),
        trending: parse<TrendingList>(trending ?? null, 'trending', isList),
      };
    },
    async neighbours(itemIds) {
      if (itemIds.length === 0) return new Map();
      const texts = await store.readMany(itemIds.map(neighboursKey));
      const lists = new Map<string, NeighbourList>();
      itemIds.forEach((itemId, index) => {
        const list = parse<NeighbourList>(texts[index] ?? null, 'neighbours', isList);
        if (list !== null) lists.set(itemId, list);
      });
      return lists;
    },
    async trending() {
      const [text] = await store.readMany([trendingKey()]);
      return parse<TrendingList>(text ?? null, 'trending', isList);
    },
    async cards(itemIds) {
      const texts = await store.readMany(itemIds.map(itemKey));
      const cards = new Map<string, ItemCard>();
      itemIds.forEach((itemId, index) => {
        const card = parse<ItemCard>(texts[index] ?? null, 'item card', isCard);
        if (card !== null) cards.set(itemId, card);
      });
      return cards;
    },
    async recentAlerts() {
      const texts = await store.readMany(alertKeys);
      const lists = texts.map((text) =>
        parse<RecentAlerts>(text, 'alerts', (value) => Array.isArray(value.alerts)),
      );
      return newestFirst(lists.flatMap((list) => list?.alerts ?? []));
    },
  };
}

const alertKeys = Array.from({ length: SHOP_TOPICS.alerts.partitions }, (_, partition) =>
  recentAlertsKey(partition),
);

function isCard(value: ItemCard): boolean {
  const texts = [value.title, value.category, value.currency];
  return (
    texts.every((text) => typeof text === 'string') &&
    Number.isSafeInteger(value.priceMinor) &&
    typeof value.active === 'boolean'
  );
}

function newestFirst(alerts: readonly AlertNotice[]): readonly AlertNotice[] {
  const byId = new Map(alerts.map((alert) => [alert.alertId, alert]));
  return [...byId.values()].sort((a, b) => b.raisedAtMs - a.raisedAtMs || (a.alertId < b.alertId ? 1 : -1));
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    // JSON.parse tells nothing but that the text is no JSON, which the caller reports.
    return null;
  }
}
