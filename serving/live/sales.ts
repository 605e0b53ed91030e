import type { ClickHouse } from '../../platform/clickhouse/port.ts';

export interface CurrencySales {
  /** ISO 4217. */
  readonly currency: string;
  readonly orders: number;
  readonly orderedMinor: number;
  readonly capturedPayments: number;
  readonly capturedMinor: number;
  readonly failedPayments: number;
  readonly refundedMinor: number;
}

export interface Sales {
  readonly orders: number;
  /** The largest captured amount first; amounts of different currencies are never added. */
  readonly byCurrency: readonly CurrencySales[];
}

export interface Funnel {
  readonly productViews: number;
  readonly cartAdds: number;
  readonly checkouts: number;
  readonly recommendationClicks: number;
}

export interface Conversion {
  readonly visitors: number;
  readonly buyers: number;
  /** buyers / visitors; null without visitors. */
  readonly rate: number | null;
}

/** The numbers of this module look back this far. */
export const SALES_WINDOW_MS = 3_600_000;

const SALES_SQL = `SELECT currency, sum(orders) AS orders, sum(ordered_minor) AS ordered_minor,
  sum(captured_payments) AS captured_payments, sum(captured_minor) AS captured_minor,
  sum(failed_payments) AS failed_payments, sum(refunded_minor) AS refunded_minor
FROM sales_by_minute WHERE window_start >= fromUnixTimestamp64Milli({sinceMs:Int64})
GROUP BY currency ORDER BY captured_minor DESC, currency`;

const FUNNEL_SQL = `SELECT sum(product_views) AS product_views, sum(cart_adds) AS cart_adds,
  sum(checkouts) AS checkouts, sum(recommendation_clicks) AS recommendation_clicks
FROM shop_by_minute WHERE window_start >= fromUnixTimestamp64Milli({sinceMs:Int64})`;

// Distinct counts need no FINAL: a repeated row changes none of them.
const CONVERSION_SQL = `SELECT
  (SELECT uniq(anonymous_id) FROM clicks
   WHERE ingest_time >= fromUnixTimestamp64Milli({sinceMs:Int64}) AND NOT bot AND NOT internal) AS visitors,
  (SELECT uniq(if(anonymous_id = '', buyer_id, anonymous_id)) FROM orders
   WHERE ingest_time >= fromUnixTimestamp64Milli({sinceMs:Int64}) AND event_type = 'OrderPlaced') AS buyers`;

type Numbers<Name extends string> = Readonly<Record<Name, number>> & Readonly<Record<string, unknown>>;
type SalesColumns =
  | 'orders'
  | 'ordered_minor'
  | 'captured_payments'
  | 'captured_minor'
  | 'failed_payments'
  | 'refunded_minor';
type FunnelColumns = 'product_views' | 'cart_adds' | 'checkouts' | 'recommendation_clicks';

/** Orders and money of the last hour by event time, from the minute windows. */
export async function readSales(clickhouse: ClickHouse, nowMs: number): Promise<Sales> {
  const rows = await clickhouse.query<Numbers<SalesColumns> & { currency: string }>(
    SALES_SQL,
    lastHour(nowMs),
  );
  const byCurrency = rows.map((row) => ({
    currency: row.currency,
    orders: row.orders,
    orderedMinor: row.ordered_minor,
    capturedPayments: row.captured_payments,
    capturedMinor: row.captured_minor,
    failedPayments: row.failed_payments,
    refundedMinor: row.refunded_minor,
  }));
  return { orders: byCurrency.reduce((sum, sales) => sum + sales.orders, 0), byCurrency };
}

/** Steps to an order in the last hour by event time, from the minute windows. */
export async function readFunnel(clickhouse: ClickHouse, nowMs: number): Promise<Funnel> {
  const [row] = await clickhouse.query<Numbers<FunnelColumns>>(FUNNEL_SQL, lastHour(nowMs));
  return {
    productViews: row?.product_views ?? 0,
    cartAdds: row?.cart_adds ?? 0,
    checkouts: row?.checkouts ?? 0,
    recommendationClicks: row?.recommendation_clicks ?? 0,
  };
}

/** Devices that came and devices that ordered in the last hour by ingest time, from the facts. */
export async function readConversion(clickhouse: ClickHouse, nowMs: number): Promise<Conversion> {
  const [row] = await clickhouse.query<Numbers<'visitors' | 'buyers'>>(CONVERSION_SQL, lastHour(nowMs));
  const visitors = row?.visitors ?? 0;
  const buyers = row?.buyers ?? 0;
  return { visitors, buyers, rate: visitors === 0 ? null : Math.min(buyers / visitors, 1) };
}

function lastHour(nowMs: number) {
  return { params: { sinceMs: Math.floor(nowMs - SALES_WINDOW_MS) }, timeoutMs: 3000 };
}
