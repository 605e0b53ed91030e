-- Cohorts of buyers by month or week (`granularity`) of their first order, in the shop's time zone; `cohort` is its first day
-- (Monday for weeks). `period` counts months or weeks since then: in period 0 everybody of the cohort has ordered. Absolute
-- values of one task, the highest version wins; a buyer belongs to one task, so that the parts add up. An order that comes
-- late may move its buyer to an earlier cohort. Every order that was placed counts, cancelled ones too.
CREATE TABLE IF NOT EXISTS cohort_retention
(
  granularity LowCardinality(String),
  cohort Date,
  period UInt16,
  partition UInt16,
  buyers UInt64,
  orders UInt64,
  ordered_minor Map(String, Int64),
  emitted_at DateTime64(3, 'UTC'),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (granularity, cohort, period, partition)
TTL toDateTime(emitted_at) + INTERVAL 10 YEAR;

-- The retention triangle: for each cohort all periods up to the latest in which anybody has ordered, those without buyers too.
-- `retention` is the share of the cohort that ordered in the period.
CREATE VIEW IF NOT EXISTS retention_triangle AS
WITH
  cells AS
  (
    SELECT granularity, cohort, period, sum(c.buyers) AS buyers, sum(c.orders) AS orders
    FROM cohort_retention AS c FINAL
    GROUP BY granularity, cohort, period
  ),
  numbered AS
  (
    SELECT
      *,
      if(granularity = 'month', toRelativeMonthNum(cohort), intDiv(toRelativeDayNum(cohort) + 3, 7)) AS number
    FROM cells
  ),
  latest AS
  (
    SELECT granularity, max(number + period) AS last_number
    FROM numbered
    WHERE buyers > 0
    GROUP BY granularity
  ),
  cohorts AS
  (
    SELECT
      n.granularity AS granularity,
      n.cohort AS cohort,
      n.buyers AS cohort_buyers,
      arrayJoin(range(toUInt16(least(l.last_number - n.number + 1, if(n.granularity = 'month', 36, 52))))) AS period
    FROM numbered AS n
    INNER JOIN latest AS l ON l.granularity = n.granularity
    WHERE n.period = 0 AND n.buyers > 0
  )
SELECT
  t.granularity AS granularity,
  t.cohort AS cohort,
  toUInt16(t.period) AS period,
  t.cohort_buyers AS cohort_buyers,
  c.buyers AS buyers,
  c.orders AS orders,
  c.buyers / t.cohort_buyers AS retention
FROM cohorts AS t
LEFT JOIN cells AS c ON c.granularity = t.granularity AND c.cohort = t.cohort AND c.period = t.period;

-- What the cohorts have ordered by currency: in the period, and from the first period to this one. Divided by the buyers of
-- the cohort, the latter is what a buyer was worth so far.
CREATE VIEW IF NOT EXISTS cohort_revenue AS
WITH
  cells AS
  (
    SELECT granularity, cohort, period, sum(c.buyers) AS buyers, sumMap(c.ordered_minor) AS ordered
    FROM cohort_retention AS c FINAL
    GROUP BY granularity, cohort, period
  ),
  by_currency AS
  (
    SELECT granularity, cohort, period, buyers, currency, ordered[currency] AS ordered_minor
    FROM cells
    ARRAY JOIN mapKeys(ordered) AS currency
  ),
  sizes AS
  (
    SELECT granularity, cohort, buyers AS cohort_buyers FROM cells WHERE period = 0
  )
SELECT
  r.granularity AS granularity,
  r.cohort AS cohort,
  r.period AS period,
  r.currency AS currency,
  r.ordered_minor AS ordered_minor,
  sum(r.ordered_minor) OVER
  (
    PARTITION BY r.granularity, r.cohort, r.currency ORDER BY r.period
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS cumulative_minor,
  s.cohort_buyers AS cohort_buyers
FROM by_currency AS r
INNER JOIN sizes AS s ON s.granularity = r.granularity AND s.cohort = r.cohort
WHERE s.cohort_buyers > 0;
