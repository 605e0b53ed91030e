import type { Row } from './rows.ts';

/** Both processes commit once a second. */
const STARTED_SECONDS_AGO = { a: 5000, b: 310 } as const;

interface Sample {
  readonly agoSeconds: number;
  readonly instance: keyof typeof STARTED_SECONDS_AGO;
  readonly records: number;
  readonly dead?: number;
  readonly lagMs?: number;
  readonly lag?: number;
}

/**
 * Sub-topology `visitor`: process `a` counts 100, 160, 220 records, then `b` takes over and begins at 30 with one dead
 * letter. Sub-topology `item` has counted since before the range.
 */
export function pipelineSamples(toMs: number): readonly Row[] {
  const row = (subtopology: string, partition: number, sample: Sample): Row => ({
    at: toMs - sample.agoSeconds * 1000,
    instance: sample.instance,
    subtopology,
    partition,
    records: sample.records,
    duplicates: 2,
    late: 1,
    dead_letters: sample.dead ?? 0,
    lag_records: sample.lag ?? 0,
    watermark_lag_ms: sample.lagMs ?? 1000,
    state_entries: 50,
    // A total of the process, the same in all its rows of a moment.
    commits: STARTED_SECONDS_AGO[sample.instance] - sample.agoSeconds,
    commit_ms_max: 12.5,
    freshness_ms_p50: 40,
    freshness_ms_p99: 250,
  });
  const visitorTask = (sample: Sample) => row('visitor', 0, sample);
  return [
    visitorTask({ agoSeconds: 600, instance: 'a', records: 100 }),
    visitorTask({ agoSeconds: 540, instance: 'a', records: 160 }),
    visitorTask({ agoSeconds: 480, instance: 'a', records: 220 }),
    visitorTask({ agoSeconds: 300, instance: 'b', records: 30, dead: 1 }),
    visitorTask({ agoSeconds: 30, instance: 'b', records: 90, dead: 1, lagMs: 2500, lag: 40 }),
    row('item', 0, { agoSeconds: 3700, instance: 'a', records: 5000, dead: 9 }),
    row('item', 0, { agoSeconds: 300, instance: 'a', records: 5600, dead: 9, lagMs: 4000, lag: 3 }),
    row('item', 0, { agoSeconds: 20, instance: 'a', records: 5660, dead: 9, lagMs: 3000, lag: 2 }),
    row('item', 1, { agoSeconds: 20, instance: 'a', records: 10, lagMs: 1500, lag: 5 }),
  ];
}

/** Two passes of the auditor: nothing, and then a payment that is missing. */
export function auditSamples(toMs: number): readonly Row[] {
  const row = (agoSeconds: number, place: { store: string; what: string; there: number }, gaps = 0): Row => ({
    at: toMs - agoSeconds * 1000,
    instance: 'a',
    ...place,
    unproven: 0,
    checked_at: toMs - (agoSeconds + 20) * 1000,
    pass_seconds: 0.5,
    ...{ gaps, duplicates: 0, altered: 0, foreign: 0 },
  });
  const clicks = { store: 'kafka', what: 'shop.clickstream', there: 400 };
  const payments = { store: 'clickhouse', what: 'payments', there: 12 };
  const keys = { store: 'redis', what: 'visitor', there: 90 };
  return [40, 20].flatMap((ago) => [
    row(ago, clicks),
    row(ago, payments, ago === 20 ? 1 : 0),
    row(ago, keys),
  ]);
}
