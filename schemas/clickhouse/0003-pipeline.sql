-- What the pipeline says about itself, sampled every few seconds by each process: one row for each task and metric.
-- Counters are totals since the start of the process (`instance`), gauges are values at `at`.
CREATE TABLE IF NOT EXISTS pipeline_samples
(
  at DateTime64(3, 'UTC'),
  instance String,
  subtopology LowCardinality(String),
  partition UInt16,
  records UInt64,
  duplicates UInt64,
  late UInt64,
  dead_letters UInt64,
  lag_records UInt64,
  watermark_lag_ms Int64,
  state_entries UInt64,
  commits UInt64,
  commit_ms_max Float64,
  freshness_ms_p50 Float64,
  freshness_ms_p99 Float64
)
ENGINE = MergeTree
ORDER BY (at, subtopology, partition)
TTL toDateTime(at) + INTERVAL 30 DAY;
