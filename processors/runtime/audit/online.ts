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
  /** Keys that differ, and were written after the commit that the state is of: not judged. */
  readonly inFlight: number;
  /** Some of the keys, without values. */
  readonly examples: Readonly<Record<Fault, readonly string[]>>;
}

type Fault = 'missing' | 'added' | 'altered';

export interface AuditOnlineOptions {
  readonly now: () => number;
  /** Whether `expected` is of all tasks: then keys of nobody are found too. True where absent. */
  readonly isWhole?: boolean;
  /** Told of every key at fault. */
  readonly onFault?: (fault: {
    readonly task: string | null;
    readonly key: string;
    readonly kind: Fault;
  }) => void;
}

const AT_ONCE = 500;
const MAX_EXAMPLES = 10;
/** Clocks of the store and of the processes differ, and a commit is stamped before its keys are written. */
const EXPIRY_SLACK_MS = 10_000;

/**
 * Compares the online store with what tasks should have in it. The tasks may run: what they wrote since is known by its
 * version and not judged. Reads every value once, and the heads of all keys once more; memory grows with the keys and not
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
  }
  const nobody = new TaskAudit(null, Number.POSITIVE_INFINITY, options);
  for await (const heads of store.scan()) {
    for (const { key, version, owner, isDeleted } of heads) {
      if (isDeleted || isCheckpointKey(key)) continue;
      const audit = audits.get(owner ?? '');
      if (audit !== undefined) audit.found(key, version);
      else if (options.isWhole !== false && ![...audits.values()].some((other) => other.expects(key)))
        nobody.fault('added', key);
    }
  }
  for (const [task, audit] of audits)
    audit.finish(isAtRest(checkpoints.get(task) ?? null, await checkpointOf(store, task), audit.committed));
  const results = [...audits.values(), nobody].map((audit) => audit.result());
  return results.filter(({ task, added }) => task !== null || added > 0);
}

async function checkpointOf(store: OnlineStore, task: string): Promise<StoredRecord | null> {
  const [record = null] = await store.readRecords([checkpointKey(task)]);
  return record;
}

/** Whether a task wrote nothing between two looks, and nothing after its last commit before them. */
function isAtRest(before: StoredRecord | null, after: StoredRecord | null, committed: number): boolean {
  const checkpoint = decodeCheckpoint(before?.value ?? null);
  return before?.version === after?.version && checkpoint?.isOpen === false && checkpoint.done === committed;
}

class TaskAudit {
  readonly #task: string | null;
  /** Version of the newest write that the commit stands for. */
  readonly committed: number;
  readonly #options: AuditOnlineOptions;
  readonly #expected = new Set<string>();
  readonly #counts = { keys: 0, missing: 0, added: 0, altered: 0, inFlight: 0 };
  /** What would be at fault, were it not newer than the commit. */
  readonly #newer: { readonly kind: Fault; readonly key: string }[] = [];
  readonly #examples: Record<Fault, string[]> = { missing: [], added: [], altered: [] };

  constructor(task: string | null, committed: number, options: AuditOnlineOptions) {
    this.#task = task;
    this.committed = committed;
    this.#options = options;
  }

  expects(key: string): boolean {
    return this.#expected.has(key);
  }

  compare(keys: readonly ExpectedKey[], records: readonly (StoredRecord | null)[]): void {
    const nowMs = this.#options.now();
    keys.forEach((key, index) => {
      const record = records[index] ?? null;
      this.#expected.add(key.key);
      if (
        record?.value == null &&
        !this.#isNewer(record) &&
        key.writtenMs + key.ttlMs <= nowMs + EXPIRY_SLACK_MS
      )
        return;
      this.#counts.keys += 1;
      if (record?.value == null) this.#judge('missing', key.key, record);
      else if (record.value !== wellFormed(key.value)) this.#judge('altered', key.key, record);
    });
  }

  /** A key that the store has of the task. */
  found(key: string, version: number): void {
    if (!this.#expected.has(key)) this.#judge('added', key, { version });
  }

  /** @param isAtRest whether the task wrote nothing after the commit: then what is newer is not its own */
  finish(isAtRest: boolean): void {
    if (!isAtRest) this.#counts.inFlight = this.#newer.length;
    else for (const { kind, key } of this.#newer) this.fault(kind, key);
  }

  fault(kind: Fault, key: string): void {
    this.#counts[kind] += 1;
    if (this.#examples[kind].length < MAX_EXAMPLES) this.#examples[kind].push(key);
    this.#options.onFault?.({ task: this.#task, key, kind });
  }

  result(): OnlineAudit {
    return { task: this.#task, ...this.#counts, examples: this.#examples };
  }

  #judge(kind: Fault, key: string, record: Pick<StoredRecord, 'version'> | null): void {
    if (this.#isNewer(record)) this.#newer.push({ kind, key });
    else this.fault(kind, key);
  }

  #isNewer(record: Pick<StoredRecord, 'version'> | null): boolean {
    return record !== null && record.version > this.committed;
  }
}

/** As the text comes back from UTF-8. */
function wellFormed(text: string): string {
  return (text as unknown as { toWellFormed(): string }).toWellFormed(); // ES2024, in Node.js since 20
}
