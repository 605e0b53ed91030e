import { currencyOverrides } from '../currency-units.ts';
import { LIMITS } from '../limits.ts';
import { tablePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import {
  WINDOW_INTERVAL,
  WINDOW_SETTLE_SECONDS,
  bucket,
  majorUnits,
  wholeBuckets,
} from '../sql-fragments.ts';

const wholeMinutes = wholeBuckets('window_start', WINDOW_SETTLE_SECONDS);

const orders = () =>
  timeSeriesPanel({
    id: 20,
    title: 'Orders per minute by currency',
    about: {
      what: 'Orders placed by the minute, from the minute windows. All channels.',
      why: 'A market that stops ordering shows here, even while the total still looks fine.',
      action: 'One currency falls to zero: check the payment methods and the shipping of that market.',
    },
    unit: 'cpm',
    width: 8,
    interval: WINDOW_INTERVAL,
    draw: 'bars',
    stacked: true,
    seriesName: '${__field.labels.currency}',
    sql: `
SELECT ${bucket('window_start')}, currency, sum(orders) * 60 / $__interval_s AS orders_per_minute
FROM sales_by_minute
WHERE ${wholeMinutes}
GROUP BY time, currency
ORDER BY time, currency`,
  });

const captured = () =>
  timeSeriesPanel({
    id: 21,
    title: 'Captured revenue by currency',
    about: {
      what: 'Payments captured in each bucket, in units of their own currency. Lines are not stacked: currencies do not add up.',
      why: 'Follows the money minute by minute.',
      action:
        'Orders go on and this stops: capture is broken or the risk team holds orders; look at the rows below.',
    },
    unit: 'locale',
    decimals: 2,
    width: 8,
    interval: WINDOW_INTERVAL,
    legend: 'sum',
    seriesName: '${__field.labels.currency}',
    overrides: currencyOverrides,
    sql: `
SELECT ${bucket('window_start')}, currency, ${majorUnits('sum(captured_minor)')} AS captured
FROM sales_by_minute
WHERE ${wholeMinutes}
GROUP BY time, currency
ORDER BY time, currency`,
  });

const failedPayments = () =>
  timeSeriesPanel({
    id: 22,
    title: 'Failed payments',
    about: {
      what: 'Share of payments that failed, of all that were captured or failed, by currency.',
      why: 'Buyers who wanted to pay and could not: the dearest fault of a shop.',
      action: 'Above the dashed line: see which provider and method fail, and turn on the fallback provider.',
    },
    unit: 'percentunit',
    decimals: 1,
    width: 8,
    interval: WINDOW_INTERVAL,
    limits: LIMITS.failedPayments,
    seriesName: '${__field.labels.currency}',
    sql: `
SELECT ${bucket('window_start')}, currency,
  sum(failed_payments) / (sum(failed_payments) + sum(captured_payments)) AS failed_share
FROM sales_by_minute
WHERE ${wholeMinutes}
GROUP BY time, currency
HAVING sum(failed_payments) + sum(captured_payments) > 0
ORDER BY time, currency`,
  });

const byCurrency = () =>
  tablePanel({
    id: 23,
    title: 'Sales by currency',
    about: {
      what: 'Orders, ordered and captured money, refunds and failed payments of the range, in units of each currency. Ordered counts every order, cancelled ones included.',
      why: 'The figures to compare with the books; ordered, captured and refunded stay apart.',
      action: 'Captured far below ordered: look for held orders and failed payments in that currency.',
    },
    unit: 'locale',
    width: 24,
    height: 6,
    columns: {
      currency: { title: 'Currency', width: 110 },
      orders: { title: 'Orders', decimals: 0 },
      ordered: { title: 'Ordered', decimals: 2 },
      captured: { title: 'Captured', decimals: 2 },
      refunded: { title: 'Refunded', decimals: 2 },
      failed_share: {
        title: 'Failed payments',
        unit: 'percentunit',
        decimals: 1,
        limits: LIMITS.failedPayments,
      },
    },
    sortBy: { column: 'orders', descending: true },
    sql: `
SELECT currency,
  sum(sales.orders) AS orders,
  ${majorUnits('sum(ordered_minor)')} AS ordered,
  ${majorUnits('sum(captured_minor)')} AS captured,
  ${majorUnits('sum(refunded_minor)')} AS refunded,
  sum(failed_payments) / nullIf(sum(failed_payments) + sum(captured_payments), 0) AS failed_share
FROM sales_by_minute AS sales
WHERE $__timeFilter(window_start)
GROUP BY currency
ORDER BY orders DESC`,
  });

/** Orders and money. */
export function salesPanels(): readonly ModernPanel[] {
  return [orders(), captured(), failedPayments(), byCurrency()];
}
