import { LIMITS } from '../limits.ts';
import { statPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { onlySelected } from '../model/variables.ts';
import { taskGrowth, newestOfTasks } from '../sql-fragments.ts';

const selected = onlySelected('subtopology', 'subtopology');

const watermarkLag = () =>
  statPanel({
    id: 1,
    title: 'Watermark lag',
    about: {
      what: 'Clock minus the lowest watermark of all tasks: how far behind the slowest part is, in seconds.',
      why: 'Windows close and alerts fire this much late. Seconds say more than a count of records.',
      action:
        'Find the sub-topology below. Lag records grow too: add instances. They do not: one input stands still.',
    },
    unit: 's',
    decimals: 1,
    width: 4,
    limits: LIMITS.watermarkLagSeconds,
    sql: `
SELECT maxOrNull(value) / 1000 AS watermark_lag
FROM ${newestOfTasks('watermark_lag_ms', selected)}`,
  });

const freshness = () =>
  statPanel({
    id: 2,
    title: 'Freshness p99',
    about: {
      what: 'Time from accepting an event to its effect in the online store, 99th percentile of the slowest process. All sub-topologies together.',
      why: 'The promise of the product: recommendations follow what a visitor has just done.',
      action: 'High with little lag: look at commit time and the online store. High with lag: add instances.',
    },
    unit: 'ms',
    width: 4,
    limits: LIMITS.freshnessMs,
    sql: `
SELECT maxOrNull(value) AS freshness
FROM ${newestOfTasks('freshness_ms_p99', 'freshness_ms_p99 > 0')}`,
  });

const recordsPerSecond = () =>
  statPanel({
    id: 3,
    title: 'Records per second',
    about: {
      what: 'Records that all tasks processed in the last minute of the range, by the second; a record that passes several sub-topologies counts in each.',
      why: 'Load. Next to the lag it tells a flood from a standstill.',
      action:
        'Near zero with lag: the tasks are stuck, read the log of the instance. High with lag: scale out.',
    },
    unit: 'recps',
    decimals: 1,
    width: 4,
    sql: `
SELECT sum(added) / 60 AS records
FROM ${taskGrowth('records', selected)}
WHERE at > $__toTime - INTERVAL 1 MINUTE`,
  });

const lagRecords = () =>
  statPanel({
    id: 4,
    title: 'Lag records',
    about: {
      what: 'Records in the inputs that no task has read yet.',
      why: 'The size of the backlog; divided by records per second it is the time to catch up.',
      action: 'Growing for minutes: add instances up to the number of partitions.',
    },
    unit: 'locale',
    decimals: 0,
    width: 4,
    limits: LIMITS.lagRecords,
    sql: `
SELECT sumOrNull(value) AS lag_records
FROM ${newestOfTasks('lag_records', selected)}`,
  });

const deadLetters = () =>
  statPanel({
    id: 5,
    title: 'Dead letters',
    about: {
      what: 'Records of the range that could not be processed and were put aside with their reason.',
      why: 'Each one is an event that the numbers of the shop lack.',
      action: 'List them with `millrace dlq`, mend the cause, and send them again.',
    },
    unit: 'locale',
    decimals: 0,
    width: 4,
    limits: LIMITS.deadLetters,
    sql: `
SELECT sum(added) AS dead_letters
FROM ${taskGrowth('dead_letters', selected)}
WHERE at >= $__fromTime`,
  });

const newestSample = () =>
  statPanel({
    id: 6,
    title: 'Newest sample is',
    about: {
      what: 'Age of the newest row that any processor wrote about itself.',
      why: 'Without samples this page shows the past. It is also the first sign that all processors are down.',
      action: 'Growing: start the processors, or see in their log why ClickHouse refuses them.',
    },
    unit: 's',
    decimals: 0,
    width: 4,
    limits: LIMITS.samplesSeconds,
    sql: `
SELECT if(count() = 0, NULL, dateDiff('millisecond', max(at), now64(3)) / 1000) AS age
FROM pipeline_samples`,
  });

/** The top row: is the pipeline well right now. */
export function nowPanels(): readonly ModernPanel[] {
  return [watermarkLag(), freshness(), recordsPerSecond(), lagRecords(), deadLetters(), newestSample()];
}
