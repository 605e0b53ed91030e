/** Pieces of SQL that several panels need. They use the macros of the ClickHouse data source (sql-macros.ts). */
import type { RecordName } from '../schemas/generated/events.ts';

/**
 * Seconds after the end of a minute until its window results are complete by default: MR_OUT_OF_ORDER (5 s),
 * MR_WINDOW_GRACE (30 s) and a few commits.
 */
export const WINDOW_SETTLE_SECONDS = 40;
/** Seconds after which the rows of a moment are in the fact tables: a few commits. */
export const FACT_SETTLE_SECONDS = 5;

/** Resolution of the window results. */
export const WINDOW_INTERVAL = '1m';
/** Smallest bucket over facts and samples; samples come every few seconds. */
export const SAMPLE_INTERVAL = '15s';

/** The bucket of a moment as column `time`. */
export function bucket(column: string): string {
  return `$__timeInterval(${column}) AS time`;
}

/**
 * Keeps whole buckets only: the first one begins where its bucket begins, and the last one has ended and settled. So
 * no line dives at its right end merely because the newest bucket is still filling.
 */
export function wholeBuckets(column: string, settleSeconds: number): string {
  return [
    `${column} >= toStartOfInterval($__fromTime, INTERVAL $__interval_s second)`,
    `${column} < toStartOfInterval(least($__toTime, now() - INTERVAL ${settleSeconds} second), INTERVAL $__interval_s second)`,
  ].join('\n  AND ');
}

/** The event type as a literal; the compiler knows the names. */
export function isType(...types: readonly RecordName[]): string {
  const names = types.map((type) => `'${type}'`).join(', ');
  return types.length === 1 ? `event_type = ${names}` : `event_type IN (${names})`;
}

/** ISO 4217 currencies whose minor unit is not a hundredth. */
const ZERO_DECIMALS = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ');
const THREE_DECIMALS = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');

/** Minor units of column `currency` as units of that currency: 1999 EUR cents are 19.99, 1999 JPY stay 1999. */
export function majorUnits(minor: string, currency = 'currency'): string {
  const list = (codes: readonly string[]) => codes.map((code) => `'${code}'`).join(', ');
  return `${minor} / multiIf(${currency} IN (${list(ZERO_DECIMALS)}), 1, ${currency} IN (${list(THREE_DECIMALS)}), 1000, 100)`;
}

/** Counters of one task. */
export type TaskCounter = 'records' | 'duplicates' | 'late' | 'dead_letters';

/** Samples of the range and of the hour before it, for differences. */
const SAMPLES = `pipeline_samples
    WHERE at >= $__fromTime - INTERVAL 1 HOUR AND at <= $__toTime`;

/** What `total` grew by since the row before of the same keys; a total below the one before has begun again. */
function growth(keys: string, rows: string): string {
  return `(
  SELECT at, ${keys}, toFloat64(if(total >= before, total - before, total)) AS added
  FROM (
    SELECT at, ${keys}, total, lagInFrame(total, 1, toInt64(0)) OVER (
      PARTITION BY ${keys} ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS before
    FROM (
      ${rows}
    )
  )
)`;
}

/**
 * Rows (at, instance, subtopology, partition, added) of what a task's counter grew by since its sample before. Counters
 * are totals of one process, so differences stay within an instance. The hour before the range is read too: a task that
 * is not in it has started inside the range, and its first total counts in full.
 */
export function taskGrowth(counter: TaskCounter, condition = '1'): string {
  return growth(
    'instance, subtopology, partition',
    `SELECT at, instance, subtopology, partition, toInt64(${counter}) AS total
    FROM ${SAMPLES}
      AND ${condition}`,
  );
}

/** Rows (at, instance, added) of the commits of each process: every sample of a process carries the same total. */
export function commitGrowth(): string {
  return growth(
    'instance',
    `SELECT at, instance, toInt64(max(commits)) AS total
    FROM ${SAMPLES}
    GROUP BY at, instance`,
  );
}

/** Rows (subtopology, partition, value) of the newest sample of each task in the last minute of the range. */
export function newestOfTasks(value: string, condition = '1'): string {
  return `(
  SELECT subtopology, partition, argMax(${value}, at) AS value
  FROM pipeline_samples
  WHERE at > $__toTime - INTERVAL 1 MINUTE AND at <= $__toTime
    AND ${condition}
  GROUP BY subtopology, partition
)`;
}
