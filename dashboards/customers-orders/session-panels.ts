import { barGaugePanel, tablePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { bucket, FACT_SETTLE_SECONDS, wholeBuckets, WINDOW_INTERVAL } from '../sql-fragments.ts';
import { selectedChannel } from './selected.ts';

const byChannel = () =>
  timeSeriesPanel({
    id: 10,
    title: 'Sessions by channel',
    about: {
      what: 'Sessions by the minute of their start, by the channel that they began in.',
      why: 'A campaign or a live show is a peak in one channel; a broken app release is a fall in one.',
      action: 'A channel falls alone: look at its last release and at the campaigns that lead there.',
    },
    unit: 'cpm',
    width: 16,
    interval: WINDOW_INTERVAL,
    stacked: true,
    seriesName: '${__field.labels.channel}',
    sql: `
SELECT ${bucket('session_start')}, channel, count() * 60 / $__interval_s AS sessions_per_minute
FROM sessions_now
WHERE ${wholeBuckets('session_start', FACT_SETTLE_SECONDS)}
  AND ${selectedChannel}
GROUP BY time, channel
ORDER BY time, channel`,
  });

const funnel = () =>
  barGaugePanel({
    id: 11,
    title: 'Way to an order',
    about: {
      what: 'Sessions of the range that came so far: saw a product, then put something into the cart, then started the checkout, then submitted it.',
      why: 'Shows the step that loses visitors. Each step counts only after the one before it.',
      action: 'Compare neighbouring bars with last week; the step that changed is the one to test.',
    },
    unit: 'locale',
    width: 8,
    value: 'reached',
    sql: `
SELECT step, reached
FROM (
  SELECT
    ['1 session', '2 product', '3 cart', '4 checkout', '5 order'] AS steps,
    [
      count(),
      countIf(product_at IS NOT NULL),
      countIf(cart_at IS NOT NULL),
      countIf(checkout_at IS NOT NULL),
      countIf(submitted_at IS NOT NULL)
    ] AS counts
  FROM sessions_now
  WHERE $__timeFilter(session_start)
    AND ${selectedChannel}
)
ARRAY JOIN steps AS step, counts AS reached
ORDER BY step`,
  });

const median = (from: string, to: string) =>
  `quantileExactOrNull(0.5)(dateDiff('millisecond', ${from}, ${to}) / 1000)`;
const share = (step: string, before: string) =>
  `countIf(${step} IS NOT NULL) / nullIf(countIf(${before} IS NOT NULL), 0)`;

const steps = () =>
  tablePanel({
    id: 12,
    title: 'Steps to an order by channel',
    about: {
      what: 'For each channel the share of sessions that went on from one step to the next, and the median time that took.',
      why: 'A slow step is one that people struggle with, before it shows in the share.',
      action: 'A channel behind the others in one step: walk that step there yourself.',
    },
    unit: 'percentunit',
    width: 14,
    columns: {
      channel: { title: 'Channel', width: 100 },
      visits: { title: 'Sessions', unit: 'locale', decimals: 0 },
      to_product: { title: 'Product', decimals: 1 },
      to_cart: { title: 'Cart', decimals: 1 },
      to_checkout: { title: 'Checkout', decimals: 1 },
      to_order: { title: 'Order', decimals: 1 },
      cart_seconds: { title: 'To cart', unit: 's', decimals: 0 },
      checkout_seconds: { title: 'To checkout', unit: 's', decimals: 0 },
      order_seconds: { title: 'To order', unit: 's', decimals: 0 },
    },
    sortBy: { column: 'visits', descending: true },
    sql: `
SELECT channel,
  count() AS visits,
  ${share('product_at', 'session_start')} AS to_product,
  ${share('cart_at', 'product_at')} AS to_cart,
  ${share('checkout_at', 'cart_at')} AS to_checkout,
  ${share('submitted_at', 'checkout_at')} AS to_order,
  ${median('product_at', 'cart_at')} AS cart_seconds,
  ${median('cart_at', 'checkout_at')} AS checkout_seconds,
  ${median('checkout_at', 'submitted_at')} AS order_seconds
FROM sessions_now
WHERE $__timeFilter(session_start)
  AND ${selectedChannel}
GROUP BY channel
ORDER BY visits DESC, channel`,
  });

const referrers = () =>
  tablePanel({
    id: 13,
    title: 'Where sessions come from',
    about: {
      what: 'The 20 referrers with the most sessions of the range: how many bounce (one look and gone), how many order, and their median length.',
      why: 'Tells visitors who are looking for the shop from those who were merely sent to it.',
      action:
        'Many sessions, many bounces, no orders: the campaign promises something that its landing page does not.',
    },
    unit: 'percentunit',
    width: 10,
    columns: {
      came_from: { title: 'Referrer' },
      visits: { title: 'Sessions', unit: 'locale', decimals: 0, width: 90 },
      bounced: { title: 'Bounces', decimals: 1, width: 90 },
      ordered: { title: 'Orders', decimals: 1, width: 90 },
      length: { title: 'Median length', unit: 's', decimals: 0, width: 120 },
    },
    sortBy: { column: 'visits', descending: true },
    sql: `
SELECT if(referrer = '', 'direct', referrer) AS came_from,
  count() AS visits,
  countIf(is_bounce) / count() AS bounced,
  countIf(has_purchased) / count() AS ordered,
  quantileExact(0.5)(duration_seconds) AS length
FROM sessions_now
WHERE $__timeFilter(session_start)
  AND ${selectedChannel}
GROUP BY came_from
ORDER BY visits DESC, came_from
LIMIT 20`,
  });

/** What visitors do, session by session. */
export function sessionPanels(): readonly ModernPanel[] {
  return [byChannel(), funnel(), steps(), referrers()];
}
