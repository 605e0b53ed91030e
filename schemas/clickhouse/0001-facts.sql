-- Facts: one row for each event, at the place in the log where it was first read. A repeated write of the same place
-- replaces itself; count with FINAL. Partitions and TTL follow the ingest time, so that data of any age can be replayed.
CREATE TABLE IF NOT EXISTS clicks
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  anonymous_id String,
  user_id String,
  session_id String,
  device LowCardinality(String),
  referrer String,
  channel LowCardinality(String),
  bot Bool,
  internal Bool,
  item_id String,
  item_ids Array(String),
  path String,
  query String,
  list_id String,
  step LowCardinality(String),
  recommendation_id String,
  position Int32,
  quantity_delta Int32
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS orders
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  order_id String,
  anonymous_id String,
  buyer_id String,
  seller_id String,
  mode LowCardinality(String),
  channel LowCardinality(String),
  item_ids Array(String),
  quantities Array(Int32),
  amount_minor Int64,
  currency LowCardinality(String),
  reason String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS payments
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  order_id String,
  payment_id String,
  amount_minor Int64,
  currency LowCardinality(String),
  method LowCardinality(String),
  provider LowCardinality(String),
  card_fingerprint String,
  device_id String,
  ip_prefix String,
  installments Int32,
  reporting_currency LowCardinality(String),
  fx_rate Float64,
  reason String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS scans
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  order_id String,
  shipment_id String,
  carrier LowCardinality(String),
  service LowCardinality(String),
  status LowCardinality(String),
  place String,
  origin String,
  destination String,
  latitude Nullable(Float64),
  longitude Nullable(Float64),
  temperature_celsius Nullable(Float64),
  promised_time Nullable(DateTime64(3, 'UTC')),
  reason String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS served
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  recommendation_id String,
  anonymous_id String,
  user_id String,
  item_ids Array(String),
  reasons Array(LowCardinality(String)),
  propensities Array(Float64),
  model_version LowCardinality(String),
  experiment LowCardinality(String),
  latency_micros UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS risk_decisions
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  entity_id String,
  outcome LowCardinality(String),
  score Float64,
  reasons Array(String),
  model_version LowCardinality(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;

CREATE TABLE IF NOT EXISTS alerts
(
  _topic LowCardinality(String),
  _partition UInt16,
  _offset UInt64,
  _ordinal UInt16,
  event_id UUID,
  event_type LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  ingest_time DateTime64(3, 'UTC'),
  source LowCardinality(String),
  alert_id String,
  entity_type LowCardinality(String),
  entity_id String,
  kind LowCardinality(String),
  severity LowCardinality(String),
  summary String,
  first_event_time DateTime64(3, 'UTC'),
  last_event_time DateTime64(3, 'UTC'),
  evidence Array(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(ingest_time)
ORDER BY (_topic, _partition, _offset, _ordinal)
TTL toDateTime(ingest_time) + INTERVAL 400 DAY;
