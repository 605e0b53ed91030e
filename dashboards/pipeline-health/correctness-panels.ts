import { barGaugePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import {
  FACT_SETTLE_SECONDS,
  SAMPLE_INTERVAL,
  WINDOW_INTERVAL,
  bucket,
  taskGrowth,
  wholeBuckets,
} from '../sql-fragments.ts';

const selected = onlySelected('subtopology', 'subtopology');

const keptOut = () =>
  timeSeriesPanel({
    id: 20,
    title: 'Late, duplicate and dead records',
    about: {
      what: 'Records that did not go the normal way, by the minute: late (their window was closed), duplicates (dropped, as they must be), dead letters.',
      why: 'Late records and dead letters are missing from the window results; duplicates show a client or a replay that repeats itself.',
      action:
        'Many late ones: raise MR_OUT_OF_ORDER or MR_WINDOW_GRACE, or find the device with a wrong clock. Dead letters: `millrace dlq`.',
    },
    unit: 'cpm',
    width: 12,
    interval: SAMPLE_INTERVAL,
    draw: 'bars',
    stacked: true,
    legend: 'sum',
    seriesName: '${__field.labels.kind}',
    sql: `
SELECT ${bucket('at')}, kind, sum(added) * 60 / $__interval_s AS records_per_minute
FROM (
  SELECT at, 'late' AS kind, added FROM ${taskGrowth('late', selected)}
  UNION ALL
  SELECT at, 'duplicate' AS kind, added FROM ${taskGrowth('duplicates', selected)}
  UNION ALL
  SELECT at, 'dead letter' AS kind, added FROM ${taskGrowth('dead_letters', selected)}
)
WHERE ${wholeBuckets('at', FACT_SETTLE_SECONDS)}
GROUP BY time, kind
ORDER BY time, kind`,
  });

const deadBySubtopology = () =>
  barGaugePanel({
    id: 21,
    title: 'Dead letters by sub-topology',
    about: {
      what: 'Dead letters of the range for each sub-topology that has any.',
      why: 'Names the step whose input or code is at fault.',
      action: '`millrace dlq` lists them with reason, step and origin.',
    },
    unit: 'locale',
    width: 6,
    limits: { warning: 1, critical: 1 },
    value: 'dead_letters',
    sql: `
SELECT subtopology, sum(added) AS dead_letters
FROM ${taskGrowth('dead_letters', selected)}
WHERE at >= $__fromTime
GROUP BY subtopology
HAVING dead_letters > 0
ORDER BY dead_letters DESC, subtopology`,
  });

const windowReasons = () =>
  timeSeriesPanel({
    id: 22,
    title: 'Window results by reason',
    about: {
      what: 'Newest results of the shop windows by the minute in which they were emitted, by reason: update (still open), watermark (closed), idle (closed on silence of the input).',
      why: 'Says whether windows close, and why. Updates alone mean that the watermark stands still.',
      action:
        'Only updates: look at the watermark lag above. Only idle: events come too rarely to move the watermark.',
    },
    unit: 'cpm',
    width: 6,
    interval: WINDOW_INTERVAL,
    draw: 'bars',
    stacked: true,
    seriesName: '${__field.labels.reason}',
    sql: `
SELECT ${bucket('emitted_at')}, reason, count() * 60 / $__interval_s AS results_per_minute
FROM shop_minute FINAL
WHERE ${wholeBuckets('emitted_at', FACT_SETTLE_SECONDS)}
GROUP BY time, reason
ORDER BY time, reason`,
  });

/** What did not go the normal way. */
export function correctnessPanels(): readonly ModernPanel[] {
  return [keptOut(), deadBySubtopology(), windowReasons()];
}
