/** Every key of the online store. The hash tag keeps what is read together in one slot of a Redis Cluster. */

/** Items that a device viewed last, and what it bought: {@link VisitorHistory}. */
export function historyKey(visitor: VisitorId): string {
  return `history:{${visitor.kind}:${visitor.id}}`;
}

/** Neighbours of an item by co-visitation: {@link NeighbourList}. */
export function neighboursKey(itemId: string): string {
  return `neighbours:{${itemId}}`;
}

/** What people see of an item: {@link ItemCard}. */
export function itemKey(itemId: string): string {
  return `item:{${itemId}}`;
}

/** The most wanted items of the whole shop: {@link TrendingList}. */
export function trendingKey(): string {
  return 'trending:{all}';
}

/** The most wanted items of users of one segment: {@link TrendingList}. */
export function segmentTrendingKey(segment: string): string {
  return `trending:{segment:${segment}}`;
}

/** The newest alerts of one partition of shop.alerts: {@link RecentAlerts}. */
export function recentAlertsKey(partition: number): string {
  return `alerts:{recent}:${partition}`;
}

/** What a stream task says of the store: up to which of its commits all its keys are there. */
export function checkpointKey(taskId: string): string {
  return `${CHECKPOINTS}{${taskId}}`;
}

/** Whether a key is of the engine itself. */
export function isCheckpointKey(key: string): boolean {
  return key.startsWith(CHECKPOINTS);
}

const CHECKPOINTS = 'checkpoint:';

/** Channel on which a new alert is announced, as the JSON of {@link AlertNotice}. */
export const ALERT_CHANNEL = 'alerts';

export interface VisitorId {
  /** `a`: device (anonymousId), `u`: user pseudonym. */
  readonly kind: 'a' | 'u';
  readonly id: string;
}

export interface VisitorHistory {
  /** Newest first, each item once. */
  readonly viewed: readonly { readonly itemId: string; readonly atMs: number }[];
  /** Newest first, each item once. */
  readonly bought: readonly { readonly itemId: string; readonly atMs: number }[];
}

export interface NeighbourList {
  /** Best first; scores compare only within one list. */
  readonly items: readonly { readonly itemId: string; readonly score: number }[];
}

export interface ItemCard {
  readonly title: string;
  readonly category: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly active: boolean;
}

export interface TrendingList {
  readonly asOfMs: number;
  /** Best first. */
  readonly items: readonly { readonly itemId: string; readonly score: number }[];
}

export interface AlertNotice {
  readonly alertId: string;
  readonly kind: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly entityType: string;
  readonly entityId: string;
  readonly summary: string;
  readonly eventTimeMs: number;
  readonly raisedAtMs: number;
}

export interface RecentAlerts {
  /** Newest first. */
  readonly alerts: readonly AlertNotice[];
}

/** Lifetimes of the values, milliseconds. */
export const TTL_MS = {
  history: 30 * 86_400_000,
  neighbours: 30 * 86_400_000,
  item: 365 * 86_400_000,
  trending: 7 * 86_400_000,
  recentAlerts: 7 * 86_400_000,
  /** Longer than any other: where it is gone, everything is written again. */
  checkpoint: 400 * 86_400_000,
} as const;
