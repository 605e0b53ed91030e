import { LIMITS } from '../limits.ts';
import { timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import { FACT_SETTLE_SECONDS, SAMPLE_INTERVAL, bucket, taskGrowth, wholeBuckets } from '../sql-fragments.ts';

const selected = onlySelected('subtopology', 'subtopology');
const wholeSamples = wholeBuckets('at', FACT_SETTLE_SECONDS);
const seriesName = '${__field.labels.subtopology}';

const freshness = () =>
  timeSeriesPanel({
    id: 10,
    title: 'Freshness',
    about: {
      what: 'Event accepted to visible in the online store. p50: median over the samples of all processes. p99: the slowest sample. Samples without a write are left out. All sub-topologies together.',
      why: 'A median that stays and a p99 that rises is one slow moment or process; both rising is the whole pipeline.',
      action: 'Compare with commit time and lag below at the same moment (the cross-hair is shared).',
    },
    unit: 'ms',
    width: 12,
    interval: SAMPLE_INTERVAL,
    limits: LIMITS.freshnessMs,
    sql: `
SELECT ${bucket('at')}, quantile(0.5)(freshness_ms_p50) AS p50, max(freshness_ms_p99) AS p99
FROM pipeline_samples
WHERE ${wholeSamples}
  AND freshness_ms_p99 > 0
GROUP BY time
ORDER BY time`,
  });

const watermarkLag = () =>
  timeSeriesPanel({
    id: 11,
    title: 'Watermark lag by sub-topology',
    about: {
      what: 'Clock minus the lowest watermark of the tasks of each sub-topology, worst moment of each bucket.',
      why: 'Shows which part holds the windows back; later parts inherit the lag of earlier ones.',
      action:
        'Start at the first sub-topology in the flow that lags; the ones behind it recover by themselves.',
    },
    unit: 's',
    decimals: 1,
    width: 12,
    interval: SAMPLE_INTERVAL,
    limits: LIMITS.watermarkLagSeconds,
    seriesName,
    sql: `
SELECT ${bucket('at')}, subtopology, max(watermark_lag_ms) / 1000 AS watermark_lag_seconds
FROM pipeline_samples
WHERE ${wholeSamples}
  AND ${selected}
GROUP BY time, subtopology
ORDER BY time, subtopology`,
  });

const records = () =>
  timeSeriesPanel({
    id: 12,
    title: 'Records per second by sub-topology',
    about: {
      what: 'Records processed by the second, from the growth of the counters; a restart of a process is no dip.',
      why: 'Load over time, and the ratio between the parts: a part that gets less than usual has lost its input.',
      action:
        'One line at zero and the others not: read the log of the instances that own its tasks (table below).',
    },
    unit: 'recps',
    decimals: 1,
    width: 12,
    interval: SAMPLE_INTERVAL,
    seriesName,
    sql: `
SELECT ${bucket('at')}, subtopology, sum(added) / $__interval_s AS records_per_second
FROM ${taskGrowth('records', selected)}
WHERE ${wholeSamples}
GROUP BY time, subtopology
ORDER BY time, subtopology`,
  });

const lagRecords = () =>
  timeSeriesPanel({
    id: 13,
    title: 'Lag records by sub-topology',
    about: {
      what: 'Records not read yet, the newest sample of each task in each bucket, added up.',
      why: 'A slope upwards is too little capacity; a step is a burst or a replay.',
      action: 'A slope: add instances or partitions. A step that shrinks: nothing to do.',
    },
    unit: 'locale',
    decimals: 0,
    width: 12,
    interval: SAMPLE_INTERVAL,
    limits: LIMITS.lagRecords,
    seriesName,
    sql: `
SELECT time, subtopology, sum(newest) AS lag_records_sum
FROM (
  SELECT ${bucket('at')}, subtopology, partition, argMax(lag_records, at) AS newest
  FROM pipeline_samples
  WHERE ${wholeSamples}
    AND ${selected}
  GROUP BY time, subtopology, partition
)
GROUP BY time, subtopology
ORDER BY time, subtopology`,
  });

/** How fast records flow and how late they are. */
export function flowPanels(): readonly ModernPanel[] {
  return [watermarkLag(), freshness(), records(), lagRecords()];
}
