import { LIMITS } from './limits.ts';
import { PIPELINE_HEALTH_UID, SHOP_LIVE_UID } from './dashboard-uids.ts';
import { taskGrowth, isType } from './sql-fragments.ts';

export interface AlertRule {
  readonly uid: string;
  readonly title: string;
  readonly summary: string;
  /** What to do; shown with the alert. */
  readonly action: string;
  readonly severity: 'warning' | 'critical';
  readonly dashboardUid: string;
  readonly panelId: number;
  /** Seconds before now that the query reads. */
  readonly windowSeconds: number;
  /** How long the value must stay above the limit. */
  readonly forDuration: string;
  /** Fires above this value, in the unit of the panel. */
  readonly above: number;
  /**
   * One number, or one for each row beside a text column. No template variables: an alert has no dashboard to choose
   * values in.
   */
  readonly sql: string;
}

/** Carts and checkouts in the window that show a shop in use. */
const MIN_SHOPPING_EVENTS = 20;

const ordersStalled: AlertRule = {
  uid: 'millrace-orders-stalled',
  title: 'Orders stalled',
  summary: 'Visitors fill carts and check out, but no order has been placed for ten minutes.',
  action: 'Test a purchase; look at the newest releases of shop and payment, and at the failed payments.',
  severity: 'critical',
  dashboardUid: SHOP_LIVE_UID,
  panelId: 2,
  windowSeconds: 1800,
  forDuration: '1m',
  above: LIMITS.orderSilenceSeconds.critical,
  sql: `
SELECT if(shopping < ${MIN_SHOPPING_EVENTS}, 0, dateDiff('second', greatest(last_order, $__fromTime), $__toTime)) AS seconds_without_order
FROM (
  SELECT count() AS shopping
  FROM clicks FINAL
  WHERE ${isType('CartChanged', 'CheckoutStepped')} AND NOT bot AND NOT internal
    AND ingest_time > $__toTime - INTERVAL ${LIMITS.orderSilenceSeconds.critical} second AND ingest_time <= $__toTime
) AS activity
CROSS JOIN (
  SELECT toDateTime(max(ingest_time)) AS last_order
  FROM orders
  WHERE ${isType('OrderPlaced')} AND $__timeFilter(ingest_time)
) AS sales`,
};

const staleFeatures: AlertRule = {
  uid: 'millrace-freshness',
  title: 'Recommendations are stale',
  summary: 'Events take longer than 15 seconds to reach the online store (99th percentile).',
  action: 'Look at lag and commit time at the same moment; add instances or mend the slow store.',
  severity: 'warning',
  dashboardUid: PIPELINE_HEALTH_UID,
  panelId: 10,
  windowSeconds: 120,
  forDuration: '2m',
  above: LIMITS.freshnessMs.critical,
  sql: `
SELECT max(freshness_ms_p99) AS freshness_ms
FROM pipeline_samples
WHERE $__timeFilter(at)`,
};

const deadLetters: AlertRule = {
  uid: 'millrace-dead-letters',
  title: 'Dead letters',
  summary: 'Records could not be processed in the last ten minutes and are missing from every number.',
  action: 'List them with millrace dlq, mend the cause, and send them again.',
  severity: 'warning',
  dashboardUid: PIPELINE_HEALTH_UID,
  panelId: 21,
  windowSeconds: 600,
  forDuration: '0s',
  above: LIMITS.deadLetters.critical - 1,
  sql: `
SELECT subtopology, sum(added) AS dead_letters
FROM ${taskGrowth('dead_letters')}
WHERE at >= $__fromTime
GROUP BY subtopology
ORDER BY subtopology`,
};

const watermarkLag: AlertRule = {
  uid: 'millrace-watermark-lag',
  title: 'Processing is behind',
  summary: 'The watermark of a sub-topology is more than two minutes behind: windows and alerts are late.',
  action: 'Begin with the first sub-topology in the flow that lags; add instances if its lag records grow.',
  severity: 'critical',
  dashboardUid: PIPELINE_HEALTH_UID,
  panelId: 11,
  windowSeconds: 60,
  forDuration: '2m',
  above: LIMITS.watermarkLagSeconds.critical,
  sql: `
SELECT subtopology, max(watermark_lag_ms) / 1000 AS watermark_lag_seconds
FROM pipeline_samples
WHERE $__timeFilter(at)
GROUP BY subtopology
ORDER BY subtopology`,
};

const noSamples: AlertRule = {
  uid: 'millrace-no-samples',
  title: 'Processors are silent',
  summary: 'No processor has written a sample about itself: all are down, or ClickHouse takes no rows.',
  action: 'Check the processes and their logs; then run millrace doctor.',
  severity: 'critical',
  dashboardUid: PIPELINE_HEALTH_UID,
  panelId: 6,
  windowSeconds: 3600,
  forDuration: '1m',
  above: LIMITS.samplesSeconds.critical,
  sql: `
SELECT dateDiff('second', greatest(toDateTime(max(at)), $__fromTime), $__toTime) AS sample_age_seconds
FROM pipeline_samples
WHERE $__timeFilter(at)`,
};

const auditDifferences: AlertRule = {
  uid: 'millrace-audit',
  title: 'The auditor found a difference',
  summary: 'Records, rows or keys are missing, doubled, altered or foreign in a store: numbers are wrong.',
  action: 'Run millrace audit: it names the places. docs/audit.md says what each kind means.',
  severity: 'critical',
  dashboardUid: PIPELINE_HEALTH_UID,
  panelId: 50,
  windowSeconds: 300,
  forDuration: '0s',
  above: LIMITS.auditDifferences.critical - 1,
  sql: `
SELECT store, max(found) AS differences
FROM (
  SELECT at, store, sum(gaps + duplicates + altered + foreign) AS found
  FROM audit_samples
  WHERE $__timeFilter(at)
  GROUP BY at, store
)
GROUP BY store
ORDER BY store`,
};

/** The alert rules, in the order in which they are written. */
export const ALERT_RULES: readonly AlertRule[] = [
  ordersStalled,
  staleFeatures,
  deadLetters,
  watermarkLag,
  noSamples,
  auditDifferences,
];
