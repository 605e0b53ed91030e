import { currencyOverrides } from '../currency-units.ts';
import { LIMITS } from '../limits.ts';
import { tablePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { bucket, majorUnits, wholeBuckets, WINDOW_INTERVAL } from '../sql-fragments.ts';
import { selectedOrders } from './selected.ts';

/** A payment may wait the grace for its order before its minute closes: MR_OUT_OF_ORDER, MR_WINDOW_GRACE twice, commits. */
const SETTLE_SECONDS = 70;

const captured = () =>
  timeSeriesPanel({
    id: 30,
    title: 'Captured by channel',
    about: {
      what: 'Payments captured in each bucket by currency and channel of their order, in units of the currency. Lines are not stacked: currencies do not add up.',
      why: 'Shows which channel earns, minute by minute.',
      action: 'One channel stops while its sessions go on: walk its checkout.',
    },
    unit: 'locale',
    decimals: 2,
    width: 12,
    interval: WINDOW_INTERVAL,
    legend: 'sum',
    seriesName: '${__field.labels.place}',
    overrides: currencyOverrides,
    sql: `
SELECT ${bucket('window_start')}, concat(currency, ' ', if(channel = '', 'unknown', channel)) AS place,
  ${majorUnits('sum(captured_minor)', 'any(currency)')} AS captured
FROM channel_sales_by_minute
WHERE ${wholeBuckets('window_start', SETTLE_SECONDS)}
  AND ${selectedOrders}
GROUP BY time, place
ORDER BY time, place`,
  });

const MONEY = {
  orders: { title: 'Orders', decimals: 0 },
  ordered: { title: 'Ordered', decimals: 2 },
  captured: { title: 'Captured', decimals: 2 },
  refunded: { title: 'Refunded', decimals: 2 },
  charged_back: { title: 'Charged back', decimals: 2 },
  net: { title: 'Net', decimals: 2 },
} as const;
const money = `sum(s.orders) AS orders,
  ${majorUnits('sum(s.ordered_minor)')} AS ordered,
  ${majorUnits('sum(s.captured_minor)')} AS captured,
  ${majorUnits('sum(s.refunded_minor)')} AS refunded,
  ${majorUnits('sum(s.charged_back_minor)')} AS charged_back,
  ${majorUnits('sum(s.net_minor)')} AS net`;

const byPlace = () =>
  tablePanel({
    id: 31,
    title: 'Sales by channel and mode',
    about: {
      what: 'Orders and money of the range by currency, channel and business mode, in units of each currency. Each figure belongs to the time of its own event. Ordered counts every order, cancelled ones included.',
      why: 'Gross, refunded and net apart: a channel that sells much and takes back much earns little.',
      action: 'High refunds or failed payments in one place: look at its items, sellers and payment methods.',
    },
    unit: 'locale',
    width: 12,
    columns: {
      currency: { title: 'Currency', width: 80 },
      channel: { title: 'Channel', width: 80 },
      mode: { title: 'Mode', width: 90 },
      ...MONEY,
      failed_share: {
        title: 'Failed',
        unit: 'percentunit',
        decimals: 1,
        limits: LIMITS.failedPayments,
      },
    },
    sortBy: { column: 'orders', descending: true },
    sql: `
SELECT currency, channel, mode,
  ${money},
  sum(s.failed_payments) / nullIf(sum(s.failed_payments) + sum(s.captured_payments), 0) AS failed_share
FROM channel_sales_by_minute AS s
WHERE $__timeFilter(window_start)
  AND ${selectedOrders}
GROUP BY currency, channel, mode
ORDER BY orders DESC, currency, channel, mode`,
  });

const byDay = () =>
  tablePanel({
    id: 32,
    title: 'Sales by day',
    about: {
      what: 'The days of the shop’s time zone in the range, by currency: orders and money, and how many different buyers placed the orders (exact).',
      why: 'The figures to compare with the books and with the same day of last week.',
      action: 'Net below captured for days: look at the refunds of these days by channel above.',
    },
    unit: 'locale',
    width: 24,
    columns: {
      date: { title: 'Day', unit: 'none', width: 110 },
      currency: { title: 'Currency', width: 90 },
      buyers: { title: 'Buyers', decimals: 0 },
      ...MONEY,
    },
    sql: `
SELECT toString(s.day) AS date, s.currency AS currency, max(b.buyers) AS buyers,
  ${money}
FROM channel_sales_by_day AS s
LEFT JOIN (
  SELECT assumeNotNull(day) AS day, currency, uniqExact(buyer_id) AS buyers
  FROM orders_now
  WHERE day IS NOT NULL AND ${selectedOrders}
  GROUP BY day, currency
) AS b ON b.day = s.day AND b.currency = s.currency
WHERE s.day_start > $__fromTime - INTERVAL 1 DAY AND s.day_start <= $__toTime
  AND ${selectedOrders}
GROUP BY s.day, s.currency
ORDER BY date DESC, orders DESC, currency
LIMIT 200`,
  });

/** Money by channel and business mode. */
export function salesPanels(): readonly ModernPanel[] {
  return [captured(), byPlace(), byDay()];
}
