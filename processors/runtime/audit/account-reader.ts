import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { findChangelogs, recordsOf } from '../state-tools/changelogs.ts';
import { storeKeyOf } from '../state-tools/changelog-key.ts';
import type { Bucket, BucketLedger } from './bucket-ledger.ts';
import { chunkNumber, rowsOfChunk, type JournalRow } from './row-journal.ts';
import { ACCOUNT, accountKey, INPUT_SHAPE, ledgerIn, OUTPUT_SHAPE, type CommitMark } from './task-account.ts';

/** Rows of a table that a task wrote in one commit. */
export interface JournalChunk {
  readonly table: string;
  readonly rows: readonly JournalRow[];
  /** Log time of its record, epoch ms. */
  readonly atMs: number;
}

/** The committed account of one task. */
export interface TaskView {
  readonly subtopology: string;
  readonly partition: number;
  /** By contract name. */
  readonly inputs: ReadonlyMap<string, BucketLedger>;
  /** By name in the log. */
  readonly outputs: ReadonlyMap<string, BucketLedger>;
  /** Of its last commit; undefined before one that says so. */
  readonly mark: CommitMark | undefined;
  /** Tables whose rows it has written. */
  readonly tables: ReadonlySet<string>;
  /** Whether every row that it ever wrote was in its journal when it was read. */
  readonly isJournalWhole: boolean;
  /** Whether it has never committed anything. */
  readonly isUnused: boolean;
}

/** Reads the accounts of all tasks from their changelogs, and goes on from where it was. */
export class AccountReader {
  readonly #log: LogReader;
  readonly #namespace: string;
  readonly #tasks = new Map<string, FollowedTask>();

  constructor(log: LogReader, namespace: string) {
    this.#log = log;
    this.#namespace = namespace;
  }

  get tasks(): readonly TaskView[] {
    return [...this.#tasks.values()];
  }

  /** Reads to the last commit of each task. */
  async refresh(): Promise<void> {
    for (const { subtopology, topic, partitions } of await findChangelogs(this.#log, this.#namespace)) {
      for (const { partition, start, end } of partitions) {
        const id = `${topic}/${partition}`;
        let task = this.#tasks.get(id);
        // A topic that was made anew has an end before what was read.
        if (task === undefined || task.position > end)
          this.#tasks.set(id, (task = new FollowedTask(subtopology, partition)));
        const from = Math.max(start, task.position);
        for await (const records of recordsOf(this.#log, { topic, partition, start: from, end }))
          for (const record of records) task.take(record);
        task.position = Math.max(task.position, end);
      }
    }
  }

  /** The rows of versioned tables that the journals brought since the last call, in the order of each task. */
  takeRows(): JournalChunk[] {
    return [...this.#tasks.values()].flatMap((task) => task.chunks.splice(0));
  }
}

class FollowedTask implements TaskView {
  readonly subtopology: string;
  readonly partition: number;
  readonly inputs = new Map<string, BucketLedger>();
  readonly outputs = new Map<string, BucketLedger>();
  readonly tables = new Set<string>();
  readonly chunks: JournalChunk[] = [];
  mark: CommitMark | undefined;
  isJournalWhole = true;
  isUnused = true;
  /** Next offset of the changelog to read. */
  position = 0;
  #nextChunk = 0;

  constructor(subtopology: string, partition: number) {
    this.subtopology = subtopology;
    this.partition = partition;
  }

  take({ key, value, timestampMs }: LogRecord): void {
    if (key === null) return;
    this.isUnused = false;
    const entry = storeKeyOf(key);
    if (entry.store !== ACCOUNT) return;
    const { kind, name, rest } = accountKey(entry.key);
    if (kind === 'in') ledgerIn(this.inputs, name, INPUT_SHAPE).restore(rest, value);
    else if (kind === 'out') ledgerIn(this.outputs, name, OUTPUT_SHAPE).restore(rest, value);
    else if (kind === 'rows') this.#takeChunk({ table: name, rest, atMs: timestampMs }, value);
    else if (value !== null) this.mark = JSON.parse(value.toString('utf8')) as CommitMark;
  }

  #takeChunk(
    { table, rest, atMs }: { readonly table: string; readonly rest: string; readonly atMs: number },
    value: Buffer | null,
  ): void {
    this.tables.add(table);
    if (value === null) return;
    const number = chunkNumber(`|${rest}`);
    if (number !== this.#nextChunk) this.isJournalWhole = false;
    this.#nextChunk = number + 1;
    this.chunks.push({ table, rows: [...rowsOfChunk(value)], atMs });
  }
}

/** The buckets of an input by their place, and how far the account goes. */
export function inputRange(ledger: BucketLedger): {
  readonly buckets: readonly Bucket[];
  readonly from: number;
  readonly to: number;
} {
  const buckets = ledger.buckets();
  return {
    buckets,
    from: Math.min(...buckets.map((bucket) => bucket.from)),
    to: Math.max(...buckets.map((bucket) => bucket.to)),
  };
}
