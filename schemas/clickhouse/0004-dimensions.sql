-- The current state of items and users, one row each: the row with the highest version.
CREATE TABLE IF NOT EXISTS items
(
  item_id String,
  title String,
  category LowCardinality(String),
  brand LowCardinality(String),
  price_minor Int64,
  currency LowCardinality(String),
  seller_id String,
  active Bool,
  event_time DateTime64(3, 'UTC'),
  partition UInt16,
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY item_id;

CREATE TABLE IF NOT EXISTS users
(
  user_id String,
  country LowCardinality(String),
  segment LowCardinality(String),
  event_time DateTime64(3, 'UTC'),
  partition UInt16,
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY user_id;
