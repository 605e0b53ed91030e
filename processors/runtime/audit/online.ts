import type { OnlineStore, StoredRecord } from '../../../platform/online-store/port.ts';
import { checkpointKey, isCheckpointKey } from '../../../schemas/keys.ts';
import { decodeCheckpoint } from '../online/checkpoint.ts';
import { chunks } from './chunks.ts';
import type { ExpectedKey, ExpectedTask } from './expected-online.ts';

/** What of a task's keys in the online store is not as its state says. */
export interface OnlineAudit {
  /** Null: keys that no task of the application says are its own. */
  readonly task: string | null;
  /** Keys that the state stands behind and that have not expired. */
  readonly keys: number;
  readonly missing: number;
  readonly added: number;
  readonly altered: number;
  /** Keys that differ, and are of a commit under way or being put right by the task itself: not judged. */
  readonly inFlight: number;
  /** Whether the task is writing all its keys again: then none of them is judged. */
  readonly isBehind: boolean;
  /** Some of the keys, without values. */
  readonly examples: Readonly<Record<Fault, readonly string[]>>;
}

type Fault = 'missing' | 'added' | 'altered';

export interface OnlineFault {
  /** Null: of nobody, as far as the tasks that were looked at know. */
  readonly task: string | null;
  readonly key: string;
  readonly kind: Fault;
}

export interface AuditOnlineOptions {
  readonly now: () => number;
  /** Tasks of the application that `expected` leaves out: nothing is said of their keys. */
  readonly otherTasks?: ReadonlySet<string>;
  /** Told of every key at fault. */
  readonly onFault?: (fault: OnlineFault) => void;
}

const AT_ONCE = 500;
const MAX_EXAMPLES = 10;
/** Clocks of the store and of the processes differ, and a commit is stamped before its keys are written. */
const EXPIRY_SLACK_MS = 10_000;

/**
 * Compares the online store with what tasks should have in it. The tasks may run: what they wrote since is known by its
 * version, what they are putting right by their checkpoints, and neither is judged. Reads every value once, and the heads of all keys once more; memory grows with the keys and not
 * with the values. No digest is kept on the way of a write: comparing costs the one who asks.
 */
export async function auditOnline(
  store: OnlineStore,
  expected: AsyncIterable<ExpectedTask>,
  options: AuditOnlineOptions,
): Promise<readonly OnlineAudit[]> {
  const audits = new Map<string, TaskAudit>();
  const checkpoints = new Map<string, StoredRecord | null>();
  for await (const task of expected) {
    const audit = new TaskAudit(task.task, task.onlineVersion, options);
    audits.set(task.task, audit);
    checkpoints.set(task.task, await checkpointOf(store, task.task));
    for (const keys of chunks(task.keys, AT_ONCE))
      audit.compare(keys, await store.readRecords(keys.map(({ key }) => key)));
    for (const key of task.leaving) audit.mayHave(key);
  }
  const nobody = new TaskAudit(null, Number.POSITIVE_INFINITY, options);
  for await (const heads of store.scan()) {
    for (const { key, version, owner, isDeleted } of heads) {
      if (isDeleted || isCheckpointKey(key)) continue;
      const audit = audits.get(owner ?? '');
      if (audit !== undefined) audit.found(key, version);
      else if (options.otherTasks?.has(owner ?? '') === true) continue;
      else if (![...audits.values()].some((other) => other.expects(key))) nobody.fault('added', key);
    }
  }
  for (const [task, audit] of audits)
    audit.finish(standingOf(checkpoints.get(task) ?? null, await checkpointOf(store, task), audit.committed));
  const results = [...audits.values(), nobody].map((audit) => audit.result());
  return results.filter(({ task, added }) => task !== null || added > 0);
}

async function checkpointOf(store: OnlineStore, task: string): Promise<StoredRecord | null> {
  const [record = null] = await store.readRecords([checkpointKey(task)]);
  return record;
}

/** What a task says of its keys in the store, over the time of an audit. */
interface Standing {
  /** It wrote nothing between two looks, and nothing after its last commit before them. */
  readonly isAtRest: boolean;
  /** It knows that the store is behind, and writes everything again. */
  readonly isBehind: boolean;
  /** It is putting right what was written with newer versions than this; null where it is not. */
  readonly sweepFrom: number | null;
}

function standingOf(before: StoredRecord | null, after: StoredRecord | null, committed: number): Standing {
  const looks = [before, after].flatMap((record) => decodeCheckpoint(record?.value ?? null) ?? []);
  const sweeps = looks.flatMap(({ sweepFrom }) => (sweepFrom === null ? [] : [sweepFrom]));
  const [first] = looks;
  return {
    isAtRest:
      before?.version === after?.version &&
      first?.isOpen === false &&
      first.done === committed &&
      looks.length > 1,
    isBehind: looks.some(({ done }) => done < committed),
    sweepFrom: sweeps.length > 0 ? Math.min(...sweeps) : null,
  };
}

/** A key that is not as it should be, with the version that it has; null where it is not there. */
interface Suspect {
  readonly kind: Fault;
  readonly key: string;
  readonly version: number | null;
}

class TaskAudit {
  readonly #task: string | null;
  /** Version of the newest write that the commit stands for. */
  readonly committed: number;
  readonly #options: AuditOnlineOptions;
  readonly #expected = new Set<string>();
  readonly #counts = { keys: 0, missing: 0, added: 0, altered: 0, inFlight: 0 };
  readonly #suspects: Suspect[] = [];
  readonly #examples: Record<Fault, string[]> = { missing: [], added: [], altered: [] };
  #isBehind = false;

  constructor(task: string | null, committed: number, options: AuditOnlineOptions) {
    this.#task = task;
    this.committed = committed;
    this.#options = options;
  }

  expects(key: string): boolean {
    return this.#expected.has(key);
  }

  /** A key that is about to go: whatever is there of it is right. */
  mayHave(key: string): void {
    this.#expected.add(key);
  }

  compare(keys: readonly ExpectedKey[], records: readonly (StoredRecord | null)[]): void {
    const nowMs = this.#options.now();
    keys.forEach(({ key, value, writtenMs, ttlMs }, index) => {
      const record = records[index] ?? null;
      this.#expected.add(key);
      const isNewer = record !== null && record.version > this.committed;
      if (record?.value == null && !isNewer && writtenMs + ttlMs <= nowMs + EXPIRY_SLACK_MS) return;
      this.#counts.keys += 1;
      const version = record?.version ?? null;
      if (record?.value == null) this.#suspects.push({ kind: 'missing', key, version });
      else if (record.value !== wellFormed(value)) this.#suspects.push({ kind: 'altered', key, version });
    });
  }

  /** A key that the store has of the task. */
  found(key: string, version: number): void {
    if (!this.#expected.has(key)) this.#suspects.push({ kind: 'added', key, version });
  }

  /** Judges what was found: what the task itself is about to put right is no fault. */
  finish({ isAtRest, isBehind, sweepFrom }: Standing): void {
    this.#isBehind = isBehind;
    for (const { kind, key, version } of this.#suspects) {
      const isUnderWay = version !== null && version > this.committed && !isAtRest;
      const isSwept = version !== null && sweepFrom !== null && version > sweepFrom;
      if (isBehind || isUnderWay || isSwept) this.#counts.inFlight += 1;
      else this.fault(kind, key);
    }
  }

  fault(kind: Fault, key: string): void {
    this.#counts[kind] += 1;
    if (this.#examples[kind].length < MAX_EXAMPLES) this.#examples[kind].push(key);
    this.#options.onFault?.({ task: this.#task, key, kind });
  }

  result(): OnlineAudit {
    return { task: this.#task, ...this.#counts, isBehind: this.#isBehind, examples: this.#examples };
  }
}

/** As the text comes back from UTF-8. */
function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed(); // ES2024, in Node.js since 20
}
