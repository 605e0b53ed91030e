-- Sessions of devices: what a device does with at most 30 minutes in between, robots and the shop's own people left out.
-- One row for each session, absolute, found by its start; with each commit while the session is open (reason `update`)
-- and when it has closed. A session that was merged into another, or that turns out to have begun earlier, is retracted:
-- FINAL drops it. `day` is the day of the start in the shop's time zone. `channel`, `device`, `referrer`, `entry_*` are those
-- of the first event. `product_at` to `submitted_at` are the steps of the way to an order in this order: each is the first
-- time at or after the step before it, and empty where one of them was not reached. Devices and users are pseudonyms.
CREATE TABLE IF NOT EXISTS sessions
(
  session_start DateTime64(3, 'UTC'),
  anonymous_id String,
  partition UInt16,
  session_end DateTime64(3, 'UTC'),
  day Date,
  user_id String,
  client_session_id String,
  channel LowCardinality(String),
  device LowCardinality(String),
  referrer String,
  entry_event LowCardinality(String),
  entry_path String,
  exit_event LowCardinality(String),
  exit_path String,
  pages UInt32,
  products UInt32,
  searches UInt32,
  cart_adds UInt32,
  cart_removes UInt32,
  recommendation_clicks UInt32,
  checkouts UInt32,
  submitted UInt32,
  order_ids Array(String),
  is_bounce Bool,
  has_purchased Bool,
  product_at Nullable(DateTime64(3, 'UTC')),
  cart_at Nullable(DateTime64(3, 'UTC')),
  checkout_at Nullable(DateTime64(3, 'UTC')),
  submitted_at Nullable(DateTime64(3, 'UTC')),
  reason LowCardinality(String),
  retracted UInt8,
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version, retracted)
ORDER BY (session_start, anonymous_id, partition)
TTL toDateTime(emitted_at) + INTERVAL 400 DAY;

-- Every session once, with its length; `is_final` once it has closed.
CREATE VIEW IF NOT EXISTS sessions_now AS
SELECT
  session_start,
  session_end,
  dateDiff('millisecond', session_start, session_end) / 1000 AS duration_seconds,
  day,
  anonymous_id,
  user_id,
  client_session_id,
  channel,
  device,
  referrer,
  entry_event,
  entry_path,
  exit_event,
  exit_path,
  pages,
  products,
  searches,
  cart_adds,
  cart_removes,
  recommendation_clicks,
  checkouts,
  submitted,
  order_ids,
  is_bounce,
  has_purchased,
  product_at,
  cart_at,
  checkout_at,
  submitted_at,
  toBool(CAST(reason, 'String') IN ('watermark', 'idle')) AS is_final
FROM sessions FINAL;

-- Sessions by day and channel. Counts add up over days and channels; devices, rates and times do not.
CREATE VIEW IF NOT EXISTS sessions_by_day AS
SELECT
  day,
  channel,
  count() AS sessions,
  uniqExact(anonymous_id) AS devices,
  uniqExactIf(s.user_id, s.user_id != '') AS users,
  countIf(is_bounce) AS bounces,
  countIf(has_purchased) AS purchases,
  bounces / sessions AS bounce_rate,
  purchases / sessions AS conversion,
  sum(s.pages + s.products) AS views,
  views / sessions AS views_per_session,
  quantileExact(0.5)(s.duration_seconds) AS median_duration_seconds
FROM sessions_now AS s
GROUP BY day, channel;

-- The way to an order by day and channel, one row for each step: how many sessions reached it, how many the step before
-- it, and the median time in between, over those that reached both.
CREATE VIEW IF NOT EXISTS funnel_by_day AS
SELECT
  day,
  channel,
  s.1 AS step_number,
  s.2 AS step,
  s.3 AS sessions,
  s.4 AS sessions_before,
  if(s.4 = 0, NULL, s.3 / s.4) AS conversion,
  s.5 AS median_seconds
FROM
(
  SELECT
    day,
    channel,
    count() AS started,
    countIf(product_at IS NOT NULL) AS product,
    countIf(cart_at IS NOT NULL) AS cart,
    countIf(checkout_at IS NOT NULL) AS checkout,
    countIf(submitted_at IS NOT NULL) AS submitted_orders,
    [
      (1, 'session', started, started, CAST(NULL, 'Nullable(Float64)')),
      (2, 'product', product, started,
        quantileExactOrNull(0.5)(dateDiff('millisecond', session_start, product_at) / 1000)),
      (3, 'cart', cart, product,
        quantileExactOrNull(0.5)(dateDiff('millisecond', product_at, cart_at) / 1000)),
      (4, 'checkout', checkout, cart,
        quantileExactOrNull(0.5)(dateDiff('millisecond', cart_at, checkout_at) / 1000)),
      (5, 'order', submitted_orders, checkout,
        quantileExactOrNull(0.5)(dateDiff('millisecond', checkout_at, submitted_at) / 1000))
    ] AS steps
  FROM sessions FINAL
  GROUP BY day, channel
)
ARRAY JOIN steps AS s;
