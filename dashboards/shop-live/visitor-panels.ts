import { barGaugePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import { WINDOW_INTERVAL, WINDOW_SETTLE_SECONDS, bucket, isType, wholeBuckets } from '../sql-fragments.ts';

const channel = onlySelected('channel', 'channel');
const wholeMinutes = wholeBuckets('window_start', WINDOW_SETTLE_SECONDS);

const activity = () =>
  timeSeriesPanel({
    id: 10,
    title: 'What visitors do',
    about: {
      what: 'Page and list views, product views, searches, cart additions and started checkouts by the minute, from the minute windows; robots and internal traffic do not count. The current minute is left out until its window has closed.',
      why: 'The shape of the day; a fall of one line alone points at one part of the shop.',
      action:
        'Product views without searches: test the search. Cart additions without checkouts: test the checkout.',
    },
    unit: 'cpm',
    width: 12,
    interval: WINDOW_INTERVAL,
    sql: `
SELECT ${bucket('window_start')},
  sum(page_views) * 60 / $__interval_s AS pages,
  sum(product_views) * 60 / $__interval_s AS products,
  sum(searches) * 60 / $__interval_s AS search,
  sum(cart_adds) * 60 / $__interval_s AS cart,
  sum(checkouts) * 60 / $__interval_s AS checkout
FROM shop_by_minute
WHERE ${wholeMinutes}
  AND ${channel}
GROUP BY time
ORDER BY time`,
  });

const channels = () =>
  timeSeriesPanel({
    id: 11,
    title: 'Product views by channel',
    about: {
      what: 'Product views by the minute for each channel: web, app, live, social, content.',
      why: 'A campaign or a live show is a peak in one channel; a broken app release is a fall in one.',
      action: 'A channel falls alone: look at its last release and at the rejected events of its SDK.',
    },
    unit: 'cpm',
    width: 6,
    interval: WINDOW_INTERVAL,
    stacked: true,
    seriesName: '${__field.labels.channel}',
    sql: `
SELECT ${bucket('window_start')}, channel, sum(product_views) * 60 / $__interval_s AS product_views_per_minute
FROM shop_by_minute
WHERE ${wholeMinutes}
  AND ${channel}
GROUP BY time, channel
ORDER BY time, channel`,
  });

const funnel = () =>
  barGaugePanel({
    id: 12,
    title: 'Funnel',
    about: {
      what: 'Distinct visitors in the range who saw a product, put something into the cart, reached the checkout, ordered.',
      why: 'Shows the step that loses visitors.',
      action:
        'Compare the ratio of neighbouring bars with yesterday; the step that changed is the one to test.',
    },
    unit: 'locale',
    width: 6,
    value: 'visitors',
    sql: `
SELECT step, visitors
FROM (
  SELECT ['1 product', '2 cart', '3 checkout'] AS steps,
    [
      uniqExactIf(anonymous_id, ${isType('ProductViewed')}),
      uniqExactIf(anonymous_id, ${isType('CartChanged')} AND quantity_delta > 0),
      uniqExactIf(anonymous_id, ${isType('CheckoutStepped')})
    ] AS counts
  FROM clicks
  WHERE NOT bot AND NOT internal AND $__timeFilter(event_time) AND ${channel}
  UNION ALL
  SELECT ['4 order'] AS steps, [uniqExact(anonymous_id)] AS counts
  FROM orders
  WHERE ${isType('OrderPlaced')} AND $__timeFilter(event_time) AND ${channel}
)
ARRAY JOIN steps AS step, counts AS visitors
ORDER BY step`,
  });

/** What visitors do in the shop. */
export function visitorPanels(): readonly ModernPanel[] {
  return [activity(), channels(), funnel()];
}
