-- The items that users of a segment want most, best first, at the end of each minute of event time in which that has changed;
-- the empty segment is the whole shop, known users or not. A score is the number of views (a cart counts three, a purchase
-- ten), each halved every 30 minutes. One task writes all rows of a segment; the highest version wins.
CREATE TABLE IF NOT EXISTS segment_trending_minute
(
  window_start DateTime64(3, 'UTC'),
  segment LowCardinality(String),
  partition UInt16,
  item_ids Array(String),
  scores Array(Float64),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (window_start, segment, partition)
TTL toDateTime(emitted_at) + INTERVAL 90 DAY;

-- One row for each item of each list, its rank from 1.
CREATE VIEW IF NOT EXISTS segment_trending AS
SELECT window_start, segment, rank, item_id, score
FROM segment_trending_minute FINAL
ARRAY JOIN arrayEnumerate(item_ids) AS rank, item_ids AS item_id, scores AS score;
