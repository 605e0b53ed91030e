import { barGaugePanel, tablePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { bucket, FACT_SETTLE_SECONDS, isType, wholeBuckets, WINDOW_INTERVAL } from '../sql-fragments.ts';

const alerts = () =>
  tablePanel({
    id: 40,
    title: 'Fraud and delivery alerts',
    about: {
      what: 'The newest 100 alerts of the range: card bursts, silent parcels and whatever else the processors find.',
      why: 'Each row is something a person should look at; critical ones first.',
      action:
        'Open the entity in the console, decide the case, and label it so that the next model learns from it.',
    },
    unit: 'none',
    width: 24,
    height: 9,
    columns: {
      raised: { title: 'Time', unit: 'dateTimeAsIso', width: 170 },
      severity: { title: 'Severity', width: 90 },
      kind: { title: 'Kind', width: 180 },
      entity_type: { title: 'About', width: 80 },
      entity_id: { title: 'Id', width: 200 },
      summary: { title: 'Summary' },
    },
    sql: `
SELECT event_time AS raised, severity, kind, entity_type, entity_id, summary
FROM alerts FINAL
WHERE $__timeFilter(event_time)
ORDER BY severity = 'critical' DESC, raised DESC
LIMIT 100`,
  });

const decisions = () =>
  timeSeriesPanel({
    id: 42,
    title: 'Risk decisions',
    about: {
      what: 'Payments and orders judged by the minute, by outcome: allow, challenge, review, deny.',
      why: 'A rising share of review or deny is either an attack or a rule that turned against honest buyers.',
      action: 'Compare with the alerts above and with the last change of a rule or model.',
    },
    unit: 'cpm',
    width: 12,
    interval: WINDOW_INTERVAL,
    draw: 'bars',
    stacked: true,
    seriesName: '${__field.labels.outcome}',
    overrides: [
      ['allow', 'green'],
      ['challenge', 'blue'],
      ['review', 'yellow'],
      ['deny', 'red'],
    ].map(([outcome, color]) => ({
      matcher: { id: 'byRegexp', options: `/\\b${outcome ?? ''}\\b/` },
      properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }],
    })),
    sql: `
SELECT ${bucket('event_time')}, outcome, count() * 60 / $__interval_s AS decisions_per_minute
FROM risk_decisions FINAL
WHERE ${wholeBuckets('event_time', FACT_SETTLE_SECONDS)}
GROUP BY time, outcome
ORDER BY time, outcome`,
  });

const parcels = () =>
  barGaugePanel({
    id: 43,
    title: 'Parcels by last status',
    about: {
      what: 'Parcels with an event in the range, by the newest event of each.',
      why: 'A heap in one status is a stuck hub, a carrier on strike or a missing feed.',
      action: 'Growing exceptions or a heap at one status: look at the alerts and call the carrier.',
    },
    unit: 'locale',
    width: 12,
    value: 'parcels',
    sql: `
SELECT newest AS status, count() AS parcels
FROM (
  SELECT shipment_id,
    argMax(multiIf(${isType('ShipmentCreated')}, 'created', ${isType('ShipmentDelivered')}, 'delivered', ${isType('ShipmentFailed')}, 'exception', status), event_time) AS newest
  FROM scans
  WHERE $__timeFilter(event_time)
  GROUP BY shipment_id
)
GROUP BY status
ORDER BY parcels DESC, status`,
  });

/** What needs a person. */
export function alertPanels(): readonly ModernPanel[] {
  return [alerts(), decisions(), parcels()];
}
