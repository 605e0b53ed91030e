/** What an auditor finds, and what it says of the places where it found nothing. */
export type AuditStore = 'kafka' | 'clickhouse' | 'redis';

/**
 * `gap`: something that was read or said is missing; `duplicate`: it is there once more; `altered`: it is there and
 * reads otherwise; `foreign`: something is there that no task has said.
 */
export type FindingKind = 'gap' | 'duplicate' | 'altered' | 'foreign';

export interface Finding {
  readonly store: AuditStore;
  readonly kind: FindingKind;
  /** Topic, table, or sub-topology whose keys they are. */
  readonly what: string;
  readonly partition: number | null;
  /** Records, rows or keys. */
  readonly count: number;
  /** As near as can be told: an offset, a range of offsets, a minute, the key of a row. */
  readonly place: string;
  readonly reason: string;
}

/** A line of the report: one topic, table, or the keys of a sub-topology, in one partition where it is checked by partition. */
export interface AuditLine {
  readonly store: AuditStore;
  readonly what: string;
  readonly partition: number | null;
  /** Records, rows or keys that are there. */
  readonly there: number;
  /** What was checked of them, by the time of the oldest check, epoch ms; null where nothing was. */
  readonly checkedAtMs: number | null;
  /** Those whose content was taken for true since nothing to compare it with is left. */
  readonly unproven: number;
  /** What became of the records of an input. */
  readonly input?: InputCounts;
}

export interface InputCounts {
  readonly read: number;
  readonly facts: number;
  readonly dropped: number;
  readonly duplicates: number;
  readonly late: number;
  readonly dead: number;
  readonly redirected: number;
  /** Records that carry nothing but time. */
  readonly marks: number;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly lines: readonly AuditLine[];
}

/** One kind of proof. What it finds is looked at again, a little later, before anybody is told. */
export interface AuditCheck {
  readonly name: string;
  /**
   * Rejects where a store does not answer: then nothing is known.
   * @param look `isAgain`: the second look at what the last run has found; what takes turns looks at the same
   */
  run(look: { readonly isAgain: boolean }): Promise<CheckResult>;
}

/** A check that came to nothing since a store did not answer. */
export interface CheckFailure {
  readonly check: string;
  readonly code: string;
  readonly reason: string;
}

/** Tells whether two looks have found the same. */
export function findingId({ store, kind, what, partition, place }: Finding): string {
  return [store, kind, what, partition, place].join('|');
}
