-- The life of each order: one row, absolute; the highest version is what is known. `*_at` is when something happened first
-- (`delivered_at`: when the last parcel was delivered, once all are), `day` the day in the shop's time zone on which the
-- order was placed. `waiting_step` is what has to come next, `stuck_step` the same once it is overdue in event time since
-- `stuck_since`. Amounts are minor units by currency, each kind apart. An order of which only payments or parcels are known
-- has no `placed_at`. Buyers are pseudonyms.
CREATE TABLE IF NOT EXISTS order_life
(
  order_id String,
  placed_at Nullable(DateTime64(3, 'UTC')),
  day Nullable(Date),
  buyer_id String,
  seller_id String,
  channel LowCardinality(String),
  mode LowCardinality(String),
  currency LowCardinality(String),
  ordered_minor Int64,
  status LowCardinality(String),
  waiting_step LowCardinality(String),
  waiting_since Nullable(DateTime64(3, 'UTC')),
  stuck_step LowCardinality(String),
  stuck_since Nullable(DateTime64(3, 'UTC')),
  held_at Nullable(DateTime64(3, 'UTC')),
  confirmed_at Nullable(DateTime64(3, 'UTC')),
  authorised_at Nullable(DateTime64(3, 'UTC')),
  captured_at Nullable(DateTime64(3, 'UTC')),
  announced_at Nullable(DateTime64(3, 'UTC')),
  shipped_at Nullable(DateTime64(3, 'UTC')),
  delivered_at Nullable(DateTime64(3, 'UTC')),
  completed_at Nullable(DateTime64(3, 'UTC')),
  cancelled_at Nullable(DateTime64(3, 'UTC')),
  returned_at Nullable(DateTime64(3, 'UTC')),
  refunded_at Nullable(DateTime64(3, 'UTC')),
  charged_back_at Nullable(DateTime64(3, 'UTC')),
  promised_at Nullable(DateTime64(3, 'UTC')),
  authorised_minor Map(String, Int64),
  captured_minor Map(String, Int64),
  refunded_minor Map(String, Int64),
  charged_back_minor Map(String, Int64),
  failed_payments UInt32,
  parcels UInt32,
  delivered_parcels UInt32,
  failed_parcels UInt32,
  cancel_reason String,
  updated_at DateTime64(3, 'UTC'),
  partition UInt16,
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY order_id
TTL toDateTime(emitted_at) + INTERVAL 400 DAY;

-- Every order once, with the time between its steps in seconds; empty where one of them has not happened. `late_seconds` is
-- how long after the promised time the last parcel was delivered, negative where it came early.
CREATE VIEW IF NOT EXISTS orders_now AS
SELECT
  order_id,
  placed_at,
  day,
  buyer_id,
  seller_id,
  channel,
  mode,
  currency,
  ordered_minor,
  status,
  waiting_step,
  waiting_since,
  stuck_step,
  stuck_since,
  held_at,
  confirmed_at,
  authorised_at,
  captured_at,
  announced_at,
  shipped_at,
  delivered_at,
  completed_at,
  cancelled_at,
  returned_at,
  refunded_at,
  charged_back_at,
  promised_at,
  dateDiff('millisecond', placed_at, authorised_at) / 1000 AS seconds_to_authorise,
  dateDiff('millisecond', authorised_at, captured_at) / 1000 AS seconds_to_capture,
  dateDiff('millisecond', captured_at, shipped_at) / 1000 AS seconds_to_ship,
  dateDiff('millisecond', shipped_at, delivered_at) / 1000 AS seconds_to_deliver,
  dateDiff('millisecond', placed_at, delivered_at) / 1000 AS seconds_to_door,
  dateDiff('millisecond', promised_at, delivered_at) / 1000 AS late_seconds,
  authorised_minor,
  captured_minor,
  refunded_minor,
  charged_back_minor,
  failed_payments,
  parcels,
  delivered_parcels,
  failed_parcels,
  cancel_reason,
  updated_at
FROM order_life FINAL;

-- Money of each order by currency: gross (captured), given back, and what is left of it.
CREATE VIEW IF NOT EXISTS order_money AS
SELECT
  order_id,
  day,
  channel,
  mode,
  buyer_id,
  status,
  money_currency AS currency,
  if(o.currency = money_currency, o.ordered_minor, 0) AS ordered_minor,
  o.authorised_minor[money_currency] AS authorised_minor,
  o.captured_minor[money_currency] AS captured_minor,
  o.refunded_minor[money_currency] AS refunded_minor,
  o.charged_back_minor[money_currency] AS charged_back_minor,
  o.captured_minor[money_currency] - o.refunded_minor[money_currency] - o.charged_back_minor[money_currency]
    AS net_minor
FROM
(
  SELECT
    *,
    arrayDistinct(arrayConcat(
      if(currency = '', [], [toString(currency)]),
      mapKeys(authorised_minor), mapKeys(captured_minor), mapKeys(refunded_minor), mapKeys(charged_back_minor)
    )) AS currencies
  FROM order_life FINAL
) AS o
ARRAY JOIN currencies AS money_currency;

-- Orders by the day on which they were placed: how many there are of each fate, how long each step took, and how many of the
-- delivered ones with a promise kept it. Counts add up over days, channels and modes; medians do not.
CREATE VIEW IF NOT EXISTS orders_by_day AS
SELECT
  day,
  channel,
  mode,
  count() AS orders,
  uniqExact(buyer_id) AS buyers,
  countIf(captured_at IS NOT NULL) AS paid,
  countIf(delivered_at IS NOT NULL) AS delivered,
  countIf(cancelled_at IS NOT NULL) AS cancelled,
  countIf(returned_at IS NOT NULL) AS returned,
  countIf(charged_back_at IS NOT NULL) AS charged_back,
  countIf(stuck_step != '') AS stuck,
  countIf(late_seconds IS NOT NULL) AS promised,
  countIf(late_seconds <= 0) AS on_time,
  quantileExactOrNull(0.5)(seconds_to_authorise) AS median_seconds_to_authorise,
  quantileExactOrNull(0.5)(seconds_to_capture) AS median_seconds_to_capture,
  quantileExactOrNull(0.5)(seconds_to_ship) AS median_seconds_to_ship,
  quantileExactOrNull(0.5)(seconds_to_deliver) AS median_seconds_to_deliver,
  quantileExactOrNull(0.5)(seconds_to_door) AS median_seconds_to_door
FROM orders_now
WHERE placed_at IS NOT NULL
GROUP BY day, channel, mode;

-- Orders that wait for a step longer than they may.
CREATE VIEW IF NOT EXISTS stuck_orders AS
SELECT
  order_id,
  stuck_step,
  stuck_since,
  waiting_since,
  status,
  channel,
  mode,
  seller_id,
  currency,
  ordered_minor,
  placed_at,
  promised_at,
  updated_at
FROM order_life FINAL
WHERE stuck_step != '';
