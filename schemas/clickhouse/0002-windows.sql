-- Window results: absolute values of one task, never deltas. The highest version wins
-- (version = taskEpoch * 2^40 + emission), so that a repeated or stale write changes nothing. The views merge the
-- partitions of the tasks; analysts and dashboards read the views.
CREATE TABLE IF NOT EXISTS shop_minute
(
  window_start DateTime64(3, 'UTC'),
  channel LowCardinality(String),
  partition UInt16,
  page_views UInt64,
  product_views UInt64,
  searches UInt64,
  cart_adds UInt64,
  checkouts UInt64,
  recommendation_clicks UInt64,
  reason LowCardinality(String),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, channel, partition)
TTL toDateTime(emitted_at) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS item_minute
(
  window_start DateTime64(3, 'UTC'),
  item_id String,
  partition UInt16,
  views UInt64,
  cart_adds UInt64,
  reason LowCardinality(String),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, item_id, partition)
TTL toDateTime(emitted_at) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS sales_minute
(
  window_start DateTime64(3, 'UTC'),
  currency LowCardinality(String),
  partition UInt16,
  orders UInt64,
  ordered_minor Int64,
  captured_payments UInt64,
  captured_minor Int64,
  failed_payments UInt64,
  refunded_minor Int64,
  reason LowCardinality(String),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, currency, partition)
TTL toDateTime(emitted_at) + INTERVAL 400 DAY;

CREATE VIEW IF NOT EXISTS shop_by_minute AS
SELECT
  window_start,
  channel,
  sum(page_views) AS page_views,
  sum(product_views) AS product_views,
  sum(searches) AS searches,
  sum(cart_adds) AS cart_adds,
  sum(checkouts) AS checkouts,
  sum(recommendation_clicks) AS recommendation_clicks
FROM shop_minute FINAL
GROUP BY window_start, channel;

CREATE VIEW IF NOT EXISTS item_by_minute AS
SELECT window_start, item_id, sum(views) AS views, sum(cart_adds) AS cart_adds
FROM item_minute FINAL
GROUP BY window_start, item_id;

CREATE VIEW IF NOT EXISTS sales_by_minute AS
SELECT
  window_start,
  currency,
  sum(orders) AS orders,
  sum(ordered_minor) AS ordered_minor,
  sum(captured_payments) AS captured_payments,
  sum(captured_minor) AS captured_minor,
  sum(failed_payments) AS failed_payments,
  sum(refunded_minor) AS refunded_minor
FROM sales_minute FINAL
GROUP BY window_start, currency;
