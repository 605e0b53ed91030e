-- Sales by channel and business mode, by minute and by day of the shop's time zone (`day`; `window_start` is its first
-- moment): absolute values of one task, the highest version wins. Every figure belongs to the time of its own event: a refund
-- counts on the day of the refund. Amounts are minor units of the currency that was paid in and are never added up over
-- currencies. A payment has an empty channel and mode until its order is told of; one whose order comes more than an hour
-- after it keeps them empty. Late events correct a minute for an hour after it has closed and a day for three days (reason
-- `correction`). Rows without a figure replace what was there before; the views leave them out.
CREATE TABLE IF NOT EXISTS channel_sales_minute
(
  window_start DateTime64(3, 'UTC'),
  currency LowCardinality(String),
  channel LowCardinality(String),
  mode LowCardinality(String),
  partition UInt16,
  orders UInt64,
  ordered_minor Int64,
  captured_payments UInt64,
  captured_minor Int64,
  refunds UInt64,
  refunded_minor Int64,
  charge_backs UInt64,
  charged_back_minor Int64,
  failed_payments UInt64,
  reason LowCardinality(String),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, currency, channel, mode, partition)
TTL toDateTime(emitted_at) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS channel_sales_day
(
  window_start DateTime64(3, 'UTC'),
  day Date,
  currency LowCardinality(String),
  channel LowCardinality(String),
  mode LowCardinality(String),
  partition UInt16,
  orders UInt64,
  ordered_minor Int64,
  captured_payments UInt64,
  captured_minor Int64,
  refunds UInt64,
  refunded_minor Int64,
  charge_backs UInt64,
  charged_back_minor Int64,
  failed_payments UInt64,
  reason LowCardinality(String),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, currency, channel, mode, partition)
TTL toDateTime(emitted_at) + INTERVAL 5 YEAR;

-- `captured_minor` is gross, `net_minor` what is left of it after refunds and charge-backs of the same time.
CREATE VIEW IF NOT EXISTS channel_sales_by_minute AS
SELECT
  window_start,
  currency,
  channel,
  mode,
  sum(s.orders) AS orders,
  sum(s.ordered_minor) AS ordered_minor,
  sum(s.captured_payments) AS captured_payments,
  sum(s.captured_minor) AS captured_minor,
  sum(s.refunds) AS refunds,
  sum(s.refunded_minor) AS refunded_minor,
  sum(s.charge_backs) AS charge_backs,
  sum(s.charged_back_minor) AS charged_back_minor,
  sum(s.captured_minor - s.refunded_minor - s.charged_back_minor) AS net_minor,
  sum(s.failed_payments) AS failed_payments
FROM channel_sales_minute AS s FINAL
GROUP BY window_start, currency, channel, mode
HAVING orders + captured_payments + refunds + charge_backs + failed_payments > 0;

-- `day_start` is the first moment of the day, to filter by.
CREATE VIEW IF NOT EXISTS channel_sales_by_day AS
SELECT
  day,
  min(s.window_start) AS day_start,
  currency,
  channel,
  mode,
  sum(s.orders) AS orders,
  sum(s.ordered_minor) AS ordered_minor,
  sum(s.captured_payments) AS captured_payments,
  sum(s.captured_minor) AS captured_minor,
  sum(s.refunds) AS refunds,
  sum(s.refunded_minor) AS refunded_minor,
  sum(s.charge_backs) AS charge_backs,
  sum(s.charged_back_minor) AS charged_back_minor,
  sum(s.captured_minor - s.refunded_minor - s.charged_back_minor) AS net_minor,
  sum(s.failed_payments) AS failed_payments
FROM channel_sales_day AS s FINAL
GROUP BY day, currency, channel, mode
HAVING orders + captured_payments + refunds + charge_backs + failed_payments > 0;

-- Different buyers by the day of their orders, exact: from the orders, since distinct counts of tasks do not add up. They do
-- not add up over days, channels and modes either: for other groups count `uniqExact(buyer_id)` over `orders_now`.
CREATE VIEW IF NOT EXISTS buyers_by_day AS
SELECT day, currency, channel, mode, uniqExact(buyer_id) AS buyers
FROM order_life FINAL
WHERE placed_at IS NOT NULL
GROUP BY day, currency, channel, mode;
