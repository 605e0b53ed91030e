/** The jobs that run on both engines, with the settings that both sides share. */
export const COMPARE_JOBS = [
  'tumbling',
  'hopping',
  'session',
  'join-inner',
  'join-left',
  'join-outer',
  'stream-table',
  'table-table',
] as const;

export type CompareJob = (typeof COMPARE_JOBS)[number];

/** Windows, grace, session gap and distance of a join; Jobs.java of the peer has the same figures. */
export const JOB_TIMES = {
  windowMs: 10_000,
  advanceMs: 2_000,
  graceMs: 5_000,
  sessionGapMs: 3_000,
  joinDistanceMs: 2_000,
} as const;

/** Input and output topics of a run; `theirs` is written by Kafka Streams. */
export function compareTopics(prefix: string) {
  return {
    left: `${prefix}.left`,
    right: `${prefix}.right`,
    theirs: (job: CompareJob) => `${prefix}.theirs.${job}`,
    ours: (job: CompareJob) => `${prefix}.ours.${job}`,
  };
}
