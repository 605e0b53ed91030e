/**
 * The tables that processors write, as far as others than ClickHouse must know them; schemas/clickhouse has their
 * columns. schemas/tables.test.ts holds the two together.
 */

/** A table with one row for each key: the one with the highest version. */
export interface VersionedTable {
  /** Columns that tell rows apart: its ORDER BY. */
  readonly key: readonly string[];
  /** Column that is 1 in a row that takes its key back: readers do not see it. */
  readonly retracted?: string;
}

/** One row for each event, by its place in the log. */
export const FACT_TABLES = [
  'clicks',
  'orders',
  'payments',
  'scans',
  'served',
  'risk_decisions',
  'alerts',
] as const;

/** Rows of facts and versioned tables go after so many days, when their TTL is not longer. */
export const SHORTEST_TTL_DAYS = 90;
export const FACT_TTL_DAYS = 400;

export const VERSIONED_TABLES: Readonly<Record<string, VersionedTable>> = {
  shop_minute: { key: ['window_start', 'channel', 'partition'] },
  item_minute: { key: ['window_start', 'item_id', 'partition'] },
  sales_minute: { key: ['window_start', 'currency', 'partition'] },
  items: { key: ['item_id'] },
  users: { key: ['user_id'] },
  sessions: { key: ['session_start', 'anonymous_id', 'partition'], retracted: 'retracted' },
  order_life: { key: ['order_id'] },
  channel_sales_minute: { key: ['window_start', 'currency', 'channel', 'mode', 'partition'] },
  channel_sales_day: { key: ['window_start', 'currency', 'channel', 'mode', 'partition'] },
  cohort_retention: { key: ['granularity', 'cohort', 'period', 'partition'] },
  segment_trending_minute: { key: ['window_start', 'segment', 'partition'] },
};
