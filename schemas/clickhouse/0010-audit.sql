-- What the auditor found, one row for each pass, store and topic, table or family of keys; all of the last four must be 0.
-- `there` counts what was compared, `unproven` what had nothing left to compare with, `checked_at` is when the part that was
-- checked longest ago was checked.
CREATE TABLE IF NOT EXISTS audit_samples
(
  at DateTime64(3, 'UTC'),
  instance String,
  store LowCardinality(String),
  what LowCardinality(String),
  there UInt64,
  unproven UInt64,
  checked_at DateTime64(3, 'UTC'),
  pass_seconds Float64,
  gaps UInt64,
  duplicates UInt64,
  altered UInt64,
  foreign UInt64
)
ENGINE = MergeTree
ORDER BY (at, store, what)
TTL toDateTime(at) + INTERVAL 30 DAY;
