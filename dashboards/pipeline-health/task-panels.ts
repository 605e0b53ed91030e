import { LIMITS } from '../limits.ts';
import { tablePanel, timeSeriesPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import {
  FACT_SETTLE_SECONDS,
  SAMPLE_INTERVAL,
  bucket,
  commitGrowth,
  wholeBuckets,
} from '../sql-fragments.ts';

const selected = onlySelected('subtopology', 'subtopology');
const wholeSamples = wholeBuckets('at', FACT_SETTLE_SECONDS);
const processName = '${__field.labels.instance}';

const commitTime = () =>
  timeSeriesPanel({
    id: 30,
    title: 'Longest commit by process',
    about: {
      what: 'Longest commit of each process in each bucket: sinks acknowledged, Kafka transactions done.',
      why: 'No reader sees a result before its commit, and one commit at most is on its way.',
      action: 'All rise together: ClickHouse, Kafka or the disk. One rises: that process or its machine.',
    },
    unit: 'ms',
    width: 8,
    interval: SAMPLE_INTERVAL,
    limits: LIMITS.commitMs,
    seriesName: processName,
    sql: `
SELECT ${bucket('at')}, instance, max(commit_ms_max) AS longest_commit_ms
FROM pipeline_samples
WHERE ${wholeSamples}
GROUP BY time, instance
ORDER BY time, instance`,
  });

const commits = () =>
  timeSeriesPanel({
    id: 31,
    title: 'Commits per second by process',
    about: {
      what: 'Commits of each process by the second; one commit moves all tasks of the process that have something new.',
      why: 'The heartbeat: with input, a process commits about once for each MR_COMMIT_INTERVAL.',
      action: 'A line that ends while lag grows is a process that hangs or is gone; restart it.',
    },
    unit: 'wps',
    decimals: 1,
    width: 8,
    interval: SAMPLE_INTERVAL,
    seriesName: processName,
    sql: `
SELECT ${bucket('at')}, instance, sum(added) / $__interval_s AS commits_per_second
FROM ${commitGrowth()}
WHERE ${wholeSamples}
GROUP BY time, instance
ORDER BY time, instance`,
  });

const stateEntries = () =>
  timeSeriesPanel({
    id: 32,
    title: 'State entries',
    about: {
      what: 'Entries in the keyed state of all tasks, the newest sample of each task in each bucket, added up.',
      why: 'State lives in memory and is read back after a restart: it must level off.',
      action: 'Growing without end: a store without a lifetime, or keys made from something unbounded.',
    },
    unit: 'short',
    width: 8,
    interval: SAMPLE_INTERVAL,
    seriesName: '${__field.labels.subtopology}',
    sql: `
SELECT time, subtopology, sum(newest) AS entries
FROM (
  SELECT ${bucket('at')}, subtopology, partition, argMax(state_entries, at) AS newest
  FROM pipeline_samples
  WHERE ${wholeSamples}
    AND ${selected}
  GROUP BY time, subtopology, partition
)
GROUP BY time, subtopology
ORDER BY time, subtopology`,
  });

const tasks = () =>
  tablePanel({
    id: 33,
    title: 'Tasks',
    about: {
      what: 'Each task by its newest sample in the range: owner, lag, state, and how long ago it spoke. Records and dead letters are totals since its process started.',
      why: 'From the sub-topology to the one partition and the one process that is behind.',
      action:
        'One partition behind: a hot key. All tasks of one process behind: that process or its machine.',
    },
    unit: 'none',
    width: 24,
    height: 9,
    columns: {
      subtopology: { title: 'Sub-topology', width: 170 },
      task_partition: { title: 'Partition', width: 90 },
      owner: { title: 'Process' },
      watermark_lag: { title: 'Watermark lag', unit: 's', decimals: 1, limits: LIMITS.watermarkLagSeconds },
      lag: { title: 'Lag records', unit: 'locale', limits: LIMITS.lagRecords },
      total: { title: 'Records', unit: 'locale' },
      dead: { title: 'Dead letters', unit: 'locale', limits: LIMITS.deadLetters },
      state: { title: 'State entries', unit: 'locale' },
      age: { title: 'Sampled ago', unit: 's', decimals: 0, limits: LIMITS.samplesSeconds },
    },
    sortBy: { column: 'watermark_lag', descending: true },
    sql: `
SELECT subtopology, partition AS task_partition,
  argMax(instance, at) AS owner,
  argMax(watermark_lag_ms, at) / 1000 AS watermark_lag,
  argMax(lag_records, at) AS lag,
  argMax(records, at) AS total,
  argMax(dead_letters, at) AS dead,
  argMax(state_entries, at) AS state,
  dateDiff('second', max(at), $__toTime) AS age
FROM pipeline_samples
WHERE $__timeFilter(at) AND ${selected}
GROUP BY subtopology, partition
ORDER BY watermark_lag DESC, subtopology, task_partition`,
  });

/** The tasks and their processes. */
export function taskPanels(): readonly ModernPanel[] {
  return [commitTime(), commits(), stateEntries(), tasks()];
}
