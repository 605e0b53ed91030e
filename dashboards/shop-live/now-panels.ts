import { LIMITS } from '../limits.ts';
import { dashboardLink } from '../model/links.ts';
import { statPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import { PIPELINE_HEALTH_UID } from '../dashboard-uids.ts';
import { isType, majorUnits, newestOfTasks } from '../sql-fragments.ts';

const channel = onlySelected('channel', 'channel');
const pipeline = dashboardLink(PIPELINE_HEALTH_UID, 'Pipeline health', 'Where the time is lost');

/** Distinct places in the log instead of FINAL, which would read the whole day for one minute. */
const eventsPerSecond = () =>
  statPanel({
    id: 1,
    title: 'Events per second',
    about: {
      what: 'Clickstream events of the last minute of the range, by the second, robots and internal traffic included.',
      why: 'The pulse of the shop: everything else on this page is made from it.',
      action: 'A sudden fall with orders still coming points at the collector; look at its rejected events.',
    },
    unit: 'eps',
    decimals: 1,
    width: 4,
    sql: `
SELECT uniqExact(_topic, _partition, _offset, _ordinal) / 60 AS events
FROM clicks
WHERE ingest_time > $__toTime - INTERVAL 1 MINUTE AND ingest_time <= $__toTime
  AND ${channel}`,
  });

const ordersPerMinute = () =>
  statPanel({
    id: 2,
    title: 'Orders per minute',
    about: {
      what: 'Orders placed in the last five minutes of the range, by the minute.',
      why: 'Sales stop here first when the checkout or a payment provider breaks.',
      action:
        'Zero while the funnel below still shows checkouts: test a purchase and look at failed payments.',
    },
    unit: 'cpm',
    decimals: 1,
    width: 4,
    sql: `
SELECT count() / 5 AS orders
FROM orders FINAL
WHERE ${isType('OrderPlaced')}
  AND ingest_time > $__toTime - INTERVAL 5 MINUTE AND ingest_time <= $__toTime
  AND ${channel}`,
  });

const capturedRevenue = () =>
  statPanel({
    id: 3,
    title: 'Captured revenue',
    about: {
      what: 'Payments captured in the range, by currency, before refunds. Currencies are never added up. All channels: a payment does not know its channel.',
      why: 'Money that has arrived, not merely been ordered.',
      action: 'Lower than orders suggest: compare with the share of failed payments and with held orders.',
    },
    unit: 'locale',
    decimals: 0,
    width: 6,
    eachRowOf: 'captured',
    sql: `
SELECT currency, ${majorUnits('sum(amount_minor)')} AS captured
FROM payments FINAL
WHERE ${isType('PaymentCaptured')} AND $__timeFilter(event_time)
GROUP BY currency
ORDER BY count() DESC
LIMIT 4`,
  });

const conversion = () =>
  statPanel({
    id: 4,
    title: 'Conversion',
    about: {
      what: 'Visitors of the range who placed an order, of all visitors. A visitor is a device; robots and internal traffic do not count.',
      why: 'Tells a slow hour from a broken shop: it does not move with the number of visitors.',
      action: 'Below its usual level: find the step in the funnel where visitors stop.',
    },
    unit: 'percentunit',
    decimals: 2,
    width: 4,
    limits: LIMITS.conversion,
    sql: `
WITH visitors AS (
  SELECT DISTINCT anonymous_id FROM clicks
  WHERE NOT bot AND NOT internal AND $__timeFilter(event_time) AND ${channel}
)
SELECT (
  SELECT uniqExact(anonymous_id) FROM orders
  WHERE ${isType('OrderPlaced')} AND $__timeFilter(event_time) AND anonymous_id IN (SELECT anonymous_id FROM visitors)
) / nullIf((SELECT count() FROM visitors), 0) AS conversion`,
  });

const freshness = () =>
  statPanel({
    id: 5,
    title: 'Freshness p99',
    about: {
      what: 'Time from accepting an event to its effect in the online store, 99th percentile of the slowest process.',
      why: 'Recommendations and alerts are only as good as they are fresh.',
      action: 'Open Pipeline health: lag means too little capacity, high commit time a slow store.',
    },
    unit: 'ms',
    width: 3,
    limits: LIMITS.freshnessMs,
    links: [pipeline],
    sql: `
SELECT maxOrNull(value) AS freshness
FROM ${newestOfTasks('freshness_ms_p99', 'freshness_ms_p99 > 0')}`,
  });

const newestClick = () =>
  statPanel({
    id: 6,
    title: 'Newest event is',
    about: {
      what: 'Age of the newest event in ClickHouse, by the time it was accepted.',
      why: 'If this grows, every number on this page is stale, however healthy it looks.',
      action:
        'Growing steadily: no events arrive or the processors stand still; Pipeline health tells which.',
    },
    unit: 's',
    width: 3,
    limits: LIMITS.newestRowSeconds,
    links: [pipeline],
    sql: `
SELECT if(count() = 0, NULL, dateDiff('millisecond', max(ingest_time), now64(3)) / 1000) AS age
FROM clicks`,
  });

/** The top row: what is going on right now. */
export function nowPanels(): readonly ModernPanel[] {
  return [eventsPerSecond(), ordersPerMinute(), capturedRevenue(), conversion(), freshness(), newestClick()];
}
