import { MINUTE_MS, type Row, type RowsByTable } from './rows.ts';

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** What every row of a task has; `version` tells the newer of two. */
const told = (toMs: number): Row => ({ partition: 0, version: 1, emitted_at: toMs - 20_000 });

/** Four sessions, one of them after it was merged with a fifth: two orders, one cart, one bounce. */
function sessions(toMs: number): readonly Row[] {
  const at = (minutesAgo: number) => toMs - minutesAgo * MINUTE_MS;
  const session = (id: string, minutesAgo: number, columns: Row): Row => ({
    session_start: at(minutesAgo),
    session_end: at(minutesAgo - 5),
    anonymous_id: id,
    day: dayOf(at(minutesAgo)),
    channel: 'web',
    referrer: 'search.example',
    retracted: 0,
    reason: 'watermark',
    ...told(toMs),
    ...columns,
  });
  const ordered = (minutesAgo: number, cartMinutes: number) => ({
    has_purchased: true,
    submitted: 1,
    product_at: at(minutesAgo),
    cart_at: at(minutesAgo - cartMinutes),
    checkout_at: at(minutesAgo - 3),
    submitted_at: at(minutesAgo - 4),
  });
  return [
    session('v1', 40, { pages: 99, is_bounce: true }),
    session('v1', 40, { ...ordered(40, 1), version: 2 }),
    session('v1', 37, { pages: 1 }),
    session('v1', 37, { pages: 1, retracted: 1, version: 2 }),
    session('v2', 30, ordered(30, 2)),
    session('v3', 20, { product_at: at(20), cart_at: at(16), channel: 'app', partition: 1 }),
    session('v4', 10, { is_bounce: true, referrer: '', session_end: at(10) }),
  ];
}

/** One order delivered late, one in time, one paid and stuck, one cancelled; the first row is a stale version. */
function orders(toMs: number): readonly Row[] {
  const at = (minutesAgo: number) => toMs - minutesAgo * MINUTE_MS;
  const order = (id: string, status: string, columns: Row): Row => ({
    order_id: id,
    placed_at: at(50),
    day: dayOf(at(50)),
    buyer_id: 'b1',
    channel: 'web',
    mode: 'b2c',
    currency: 'EUR',
    ordered_minor: 1250,
    status,
    ...told(toMs),
    ...columns,
  });
  const delivered = (promisedAgo: number, channel: string) => ({
    authorised_at: at(49),
    captured_at: at(47),
    shipped_at: at(40),
    delivered_at: at(20),
    promised_at: at(promisedAgo),
    captured_minor: { EUR: 1250 },
    channel,
  });
  return [
    order('o1', 'captured', { stuck_step: 'ship', stuck_since: at(30) }),
    order('o1', 'delivered', { ...delivered(21, 'web'), version: 2 }),
    order('o2', 'delivered', { ...delivered(19, 'web'), buyer_id: 'b2' }),
    order('o3', 'captured', {
      channel: 'app',
      waiting_step: 'ship',
      waiting_since: at(45),
      stuck_step: 'ship',
      stuck_since: at(25),
    }),
    order('o4', 'cancelled', { cancelled_at: at(44), partition: 1 }),
  ];
}

/** Of two tasks, by minute and by day; the first row of each is a stale version. */
function sales(toMs: number): RowsByTable {
  const minuteMs = toMs - 10 * MINUTE_MS;
  const place = (channel: string, columns: Row): Row => ({
    window_start: minuteMs,
    currency: 'EUR',
    channel,
    mode: 'b2c',
    reason: 'watermark',
    ...told(toMs),
    ...columns,
  });
  const rows = [
    place('web', { orders: 99, captured_minor: 99_999 }),
    place('web', {
      orders: 2,
      ordered_minor: 2500,
      captured_payments: 3,
      captured_minor: 2500,
      failed_payments: 1,
      refunds: 1,
      refunded_minor: 400,
      version: 2,
    }),
    place('web', {
      captured_payments: 1,
      captured_minor: 100,
      charge_backs: 1,
      charged_back_minor: 50,
      partition: 1,
    }),
    place('app', { orders: 1, ordered_minor: 1250, mode: 'b2b' }),
    // Of a payment that has found its order since.
    place('', { mode: '', currency: 'JPY' }),
  ];
  // Of the day on which the sample orders were placed.
  const day = dayOf(toMs - 50 * MINUTE_MS);
  return {
    channel_sales_minute: rows,
    channel_sales_day: rows.map((row) => ({ ...row, window_start: Date.parse(day), day })),
  };
}

/** Ten buyers of January, four of whom come back in February and none in March; two of March. Two tasks. */
function cohorts(toMs: number): readonly Row[] {
  const cell = (granularity: string, cohort: string, period: number, columns: Row): Row => ({
    granularity,
    cohort,
    period,
    ...told(toMs),
    ...columns,
  });
  return [
    cell('month', '2026-01-01', 0, { buyers: 99, orders: 99, ordered_minor: { EUR: 99 } }),
    cell('month', '2026-01-01', 0, { buyers: 7, orders: 8, ordered_minor: { EUR: 8000 }, version: 2 }),
    cell('month', '2026-01-01', 0, { buyers: 3, orders: 3, ordered_minor: { JPY: 600 }, partition: 1 }),
    cell('month', '2026-01-01', 1, { buyers: 4, orders: 4, ordered_minor: { EUR: 2000 } }),
    cell('month', '2026-03-01', 0, { buyers: 2, orders: 2, ordered_minor: { EUR: 500 } }),
    cell('week', '2026-03-02', 0, { buyers: 2, orders: 2, ordered_minor: { EUR: 500 } }),
  ];
}

function trending(toMs: number): readonly Row[] {
  const list = (segment: string, minutesAgo: number, items: readonly string[]): Row => ({
    window_start: toMs - minutesAgo * MINUTE_MS,
    segment,
    item_ids: items,
    scores: items.map((_, rank) => 10 - rank),
    partition: 0,
    version: 1,
    emitted_at: toMs,
  });
  return [list('', 9, ['i9']), list('', 8, ['i1', 'i2']), list('vip', 20, ['i2'])];
}

/** What the jobs say of customers and orders. */
export function customerRows(toMs: number): RowsByTable {
  return {
    sessions: sessions(toMs),
    order_life: orders(toMs),
    ...sales(toMs),
    cohort_retention: cohorts(toMs),
    segment_trending_minute: trending(toMs),
  };
}
