import { LIMITS } from '../limits.ts';
import { tablePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import {
  SAMPLE_INTERVAL,
  FACT_SETTLE_SECONDS,
  WINDOW_INTERVAL,
  WINDOW_SETTLE_SECONDS,
  bucket,
  isType,
  wholeBuckets,
} from '../sql-fragments.ts';

const channel = onlySelected('channel', 'channel');

const topItems = () =>
  tablePanel({
    id: 30,
    title: 'Top items',
    about: {
      what: 'The 20 items with the most views in the range, with cart additions and the share of views that led to one. All channels.',
      why: 'Shows what is wanted now: stock, price and placement follow from it.',
      action: 'Many views and few cart additions: check price, stock and pictures of the item.',
    },
    unit: 'locale',
    width: 8,
    height: 9,
    columns: {
      item_id: { title: 'Item' },
      item_views: { title: 'Views', decimals: 0, width: 90 },
      added: { title: 'Cart', decimals: 0, width: 80 },
      cart_share: { title: 'Cart / view', unit: 'percentunit', decimals: 1, width: 100 },
    },
    sortBy: { column: 'item_views', descending: true },
    sql: `
SELECT item_id, sum(views) AS item_views, sum(cart_adds) AS added, added / nullIf(item_views, 0) AS cart_share
FROM item_by_minute
WHERE $__timeFilter(window_start)
GROUP BY item_id
ORDER BY item_views DESC, item_id
LIMIT 20`,
  });

const recommendationClicks = () =>
  timeSeriesPanel({
    id: 31,
    title: 'Recommendation clicks',
    about: {
      what: 'Clicks on recommended items by the minute for each channel, from the minute windows.',
      why: 'What the recommender earns; served answers alone prove nothing.',
      action: 'Falls while visitors stay: see whether answers got slow, or which source lost its clicks.',
    },
    unit: 'cpm',
    width: 8,
    height: 9,
    interval: WINDOW_INTERVAL,
    stacked: true,
    seriesName: '${__field.labels.channel}',
    sql: `
SELECT ${bucket('window_start')}, channel, sum(recommendation_clicks) * 60 / $__interval_s AS clicks_per_minute
FROM shop_by_minute
WHERE ${wholeBuckets('window_start', WINDOW_SETTLE_SECONDS)}
  AND ${channel}
GROUP BY time, channel
ORDER BY time, channel`,
  });

const sources = () =>
  tablePanel({
    id: 32,
    title: 'Recommendation sources',
    about: {
      what: 'For each recommender: items that visitors saw (impressions), items they clicked, and the share. An item counts for the recommender that put it into the answer, up to a day before. Robots and internal traffic do not count.',
      why: 'Served is not seen: only impressions and clicks that quote the answer say which source works.',
      action:
        'Fallbacks such as popular items lead: candidates are missing, look at features and model versions.',
    },
    unit: 'locale',
    width: 8,
    height: 9,
    columns: {
      reason: { title: 'Source' },
      seen: { title: 'Seen', decimals: 0, width: 90 },
      clicked: { title: 'Clicked', decimals: 0, width: 90 },
      click_share: { title: 'Clicked / seen', unit: 'percentunit', decimals: 1, width: 120 },
    },
    sortBy: { column: 'clicked', descending: true },
    sql: `
WITH acts AS (
  SELECT DISTINCT recommendation_id, ${isType('RecommendationClicked')} AS is_click,
    arrayJoin(if(is_click, [item_id], item_ids)) AS item
  FROM clicks
  WHERE ${isType('RecommendationImpressed', 'RecommendationClicked')}
    AND NOT bot AND NOT internal AND $__timeFilter(event_time) AND ${channel}
),
answers AS (
  SELECT recommendation_id, item, any(item_reason) AS reason
  FROM served
  ARRAY JOIN item_ids AS item, reasons AS item_reason
  WHERE event_time >= $__fromTime - INTERVAL 1 DAY AND event_time <= $__toTime
    AND recommendation_id IN (SELECT recommendation_id FROM acts)
  GROUP BY recommendation_id, item
)
SELECT reason, countIf(NOT is_click) AS seen, countIf(is_click) AS clicked, clicked / nullIf(seen, 0) AS click_share
FROM acts
INNER JOIN answers USING (recommendation_id, item)
GROUP BY reason
ORDER BY clicked DESC, reason`,
  });

const answerTime = () =>
  timeSeriesPanel({
    id: 33,
    title: 'Time to answer',
    about: {
      what: 'Time in which the recommender answered: median, 95th and 99th percentile of the answers served.',
      why: 'A shop leaves the place empty when the answer is late; then every model is worth nothing.',
      action:
        'The 99th percentile alone rises: the online store or garbage collection. All rise: too few instances.',
    },
    unit: 'µs',
    decimals: 0,
    width: 24,
    height: 6,
    interval: SAMPLE_INTERVAL,
    limits: LIMITS.answerMicros,
    sql: `
SELECT ${bucket('ingest_time')},
  quantile(0.5)(latency_micros) AS p50,
  quantile(0.95)(latency_micros) AS p95,
  quantile(0.99)(latency_micros) AS p99
FROM served
WHERE ${wholeBuckets('ingest_time', FACT_SETTLE_SECONDS)}
GROUP BY time
ORDER BY time`,
  });

/** Items and recommendations. */
export function itemPanels(): readonly ModernPanel[] {
  return [topItems(), recommendationClicks(), sources(), answerTime()];
}
