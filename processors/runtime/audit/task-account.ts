import type { Row } from '../../../platform/clickhouse/port.ts';
import type { LogRecord, ProduceRecord } from '../../../platform/kafka/port.ts';
import { VERSIONED_TABLES } from '../../../schemas/tables.ts';
import type { UuidWords } from '../task/event-id-set.ts';
import { parseUuid } from '../task/event-id-set.ts';
import type { PutAside } from '../task/refusals.ts';
import { BucketLedger, entryWithout, type LedgerChange, type LedgerShape } from './bucket-ledger.ts';
import { digestIn } from './digest.ts';
import { hashRecord, hashUuid, type HashPair } from './hash-pair.ts';
import { RowJournal } from './row-journal.ts';

/** Name of the accounts among the entries of a task's state. */
export const ACCOUNT = 'audit';

/** What became of a record that was read; each has exactly one. */
export type Outcome = 'ok' | 'dropped' | 'duplicate' | 'late' | 'dead-letter' | 'redirected' | 'mark';

/** Offsets of an input: places for findings within 4,096 records. */
export const INPUT_SHAPE: LedgerShape = { size: 4096, factor: 64 };
/** Log timestamps of what was written: minutes, then hours, as long as any output topic keeps its records. */
export const OUTPUT_SHAPE: LedgerShape = { size: 60_000, factor: 60, keep: 16 * 24 };
const FACTS = 'facts ';
/** Name of the digests of what a task said to a topic. */
export const RECORDS = 'records';
const NO_ID = new Uint32Array(4);

/** How a commit is known: its task's emissions up to it. */
export interface CommitMark {
  /** Version of the last row or online value that was said. */
  readonly version: number;
  readonly atMs: number;
  /** From when on the account speaks, epoch ms; 0 where the task never ran without one. */
  readonly sinceMs: number;
}

/** What a commit hands out. */
export interface Said {
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /** Outputs to topics; changelog and marks of time are not among those of the auditor. */
  readonly records: readonly ProduceRecord[];
  /** Name in the log by contract name. */
  readonly topicName: (topic: string) => string;
  readonly version: number;
  readonly nowMs: number;
}

/**
 * The account of a task: what it read of each input by outcome, the facts it made of it, what it said to topics, and the
 * rows of versioned tables it wrote lately. It is committed with what it speaks of, so that it holds after any crash:
 * whoever reads the stores can prove them by it. Counts and digests only; nothing for each record is kept.
 */
export class TaskAccount {
  /** By contract name. */
  readonly #inputs = new Map<string, BucketLedger>();
  /** By name in the log. */
  readonly #outputs = new Map<string, BucketLedger>();
  readonly #journal = new RowJournal();
  readonly #hash: HashPair = { a: 0, b: 0 };
  readonly #uuid = new Uint32Array(4);
  #lastTopic = '';
  #lastInput: BucketLedger | undefined;
  #mark: CommitMark | undefined;
  #isMarked = false;
  /** Entries of inputs, as the last commit has them. */
  #taken: ReadonlyMap<string, Buffer> = new Map();

  /**
   * A record was read.
   * @param id its eventId; its place stands for it where it has none
   */
  read(topic: string, record: LogRecord, outcome: Outcome, id: UuidWords | undefined): void {
    const { offset, timestampMs } = record;
    const bucket = this.#inputOf(topic).at(offset);
    hashUuid(id ?? placeId(offset), this.#hash);
    digestIn(bucket.digests, outcome).add(this.#hash);
    bucket.to = offset + 1;
    if (timestampMs < bucket.firstMs) bucket.firstMs = timestampMs;
    if (timestampMs > bucket.lastMs) bucket.lastMs = timestampMs;
  }

  /** What the task hands out with the commit that follows. */
  said({ rows, records, topicName, version, nowMs }: Said): void {
    for (const [table, ofTable] of rows) {
      const shape = VERSIONED_TABLES[table];
      if (shape !== undefined) this.#journal.add(table, ofTable, shape);
      else this.#addFacts(table, ofTable, topicName);
    }
    for (const record of records) this.#addRecord(record);
    this.#mark = { version, atMs: nowMs, sinceMs: this.#mark?.sinceMs ?? sinceMs(version, nowMs) };
    this.#isMarked = true;
  }

  takeChanges(nowMs: number): LedgerChange[] {
    const changes: LedgerChange[] = [];
    const put = (prefix: string, some: readonly LedgerChange[]) => {
      for (const { key, value } of some) changes.push({ key: `${prefix}|${key}`, value });
    };
    for (const [topic, ledger] of this.#inputs) put(`in|${topic}`, ledger.takeChanges());
    this.#taken = new Map(changes.flatMap(({ key, value }) => (value === null ? [] : [[key, value]])));
    for (const [topic, ledger] of this.#outputs) put(`out|${topic}`, ledger.takeChanges());
    put('rows', this.#journal.takeChanges(nowMs));
    if (this.#isMarked) changes.push({ key: 'mark', value: Buffer.from(JSON.stringify(this.#mark)) });
    this.#isMarked = false;
    return changes;
  }

  /**
   * Takes out what the targets refused of the commit whose changes were taken last, or of results of the one before, and
   * puts its letters in.
   * @returns entries that belong into that commit, behind its others; what was read since is not in them
   */
  refused(aside: readonly PutAside[], topicName: (topic: string) => string, nowMs: number): LedgerChange[] {
    const amended = new Map<string, Buffer>();
    const results = new Map<string, Row[]>();
    for (const { refusal, letter } of aside) {
      this.#addRecord(letter);
      if (refusal.kind === 'record') this.#takeOutRecord(refusal.record);
      if (refusal.kind !== 'row') continue;
      const { table, row } = refusal;
      if (VERSIONED_TABLES[table] === undefined) this.#takeOutFact(table, row, { topicName, amended });
      else results.set(table, [...(results.get(table) ?? []), row]);
    }
    for (const [table, rows] of results) {
      const shape = VERSIONED_TABLES[table];
      if (shape !== undefined) this.#journal.refused(table, rows, shape);
    }
    const changes: LedgerChange[] = [...amended].map(([key, value]) => ({ key, value }));
    for (const [topic, ledger] of this.#outputs)
      for (const { key, value } of ledger.takeChanges()) changes.push({ key: `out|${topic}|${key}`, value });
    for (const { key, value } of this.#journal.takeChanges(nowMs))
      changes.push({ key: `rows|${key}`, value });
    return changes;
  }

  restore(key: string, value: Buffer | null, writtenMs: number): void {
    const entry = accountKey(key);
    if (entry.kind === 'in') ledgerIn(this.#inputs, entry.name, INPUT_SHAPE).restore(entry.rest, value);
    else if (entry.kind === 'out')
      ledgerIn(this.#outputs, entry.name, OUTPUT_SHAPE).restore(entry.rest, value);
    else if (entry.kind === 'rows') this.#journal.restore(`${entry.name}|${entry.rest}`, value, writtenMs);
    else if (value !== null) this.#mark = JSON.parse(value.toString('utf8')) as CommitMark;
  }

  #addFacts(table: string, rows: readonly Row[], topicName: (topic: string) => string): void {
    const ledgers = new Map([...this.#inputs].map(([contract, ledger]) => [topicName(contract), ledger]));
    const name = FACTS + table;
    for (const row of rows) {
      const ledger = ledgers.get(row['_topic'] as string);
      if (ledger === undefined) continue;
      const offset = this.#hashFact(row);
      digestIn(ledger.at(offset).digests, name).add(this.#hash);
    }
  }

  #takeOutFact(
    table: string,
    row: Row,
    { topicName, amended }: { topicName: (topic: string) => string; amended: Map<string, Buffer> },
  ): void {
    const name = FACTS + table;
    for (const [contract, ledger] of this.#inputs) {
      if (topicName(contract) !== row['_topic']) continue;
      const offset = this.#hashFact(row);
      const key = `in|${contract}|${ledger.takeOut(offset, name, this.#hash)}`;
      const entry = amended.get(key) ?? this.#taken.get(key);
      if (entry !== undefined) amended.set(key, entryWithout(entry, name, this.#hash));
    }
  }

  /** @returns its offset */
  #hashFact(row: Row): number {
    const { event_id: id, _offset: offset } = row as {
      readonly event_id?: unknown;
      readonly _offset: number;
    };
    const isKnown = typeof id === 'string' && parseUuid(id, this.#uuid);
    // A table of facts need not name the event: then its place stands for it, as where it is read.
    hashUuid(isKnown ? this.#uuid : placeId(offset), this.#hash);
    return offset;
  }

  /** Records mostly come from the input of the one before. */
  #inputOf(topic: string): BucketLedger {
    if (topic !== this.#lastTopic || this.#lastInput === undefined) {
      this.#lastTopic = topic;
      this.#lastInput = ledgerIn(this.#inputs, topic, INPUT_SHAPE);
    }
    return this.#lastInput;
  }

  #addRecord(record: ProduceRecord): void {
    const { topic, key, value, timestampMs = 0 } = record;
    const bucket = ledgerIn(this.#outputs, topic, OUTPUT_SHAPE).at(timestampMs);
    hashRecord({ key, value, timestampMs }, this.#hash);
    digestIn(bucket.digests, RECORDS).add(this.#hash);
    bucket.to = Math.max(bucket.to, timestampMs + 1);
    bucket.from = Math.min(bucket.from, timestampMs);
    bucket.firstMs = Math.min(bucket.firstMs, timestampMs);
    bucket.lastMs = Math.max(bucket.lastMs, timestampMs);
  }

  #takeOutRecord({ topic, key, value, timestampMs = 0 }: ProduceRecord): void {
    hashRecord({ key, value, timestampMs }, this.#hash);
    this.#outputs.get(topic)?.takeOut(timestampMs, RECORDS, this.#hash);
  }
}

/** A task that has started before has said things of which the account does not know. */
function sinceMs(version: number, nowMs: number): number {
  if (epochOf(version) <= 1) return 0;
  return (Math.floor(nowMs / OUTPUT_SHAPE.size) + 1) * OUTPUT_SHAPE.size;
}

/** The start of a task that a version belongs to. */
export function epochOf(version: number): number {
  return Math.floor(version / 2 ** 40);
}

/** An entry of an account: `in|topic|f12`, `out|topic|c7`, `rows|table|3`, `mark`. */
export interface AccountKey {
  readonly kind: string;
  readonly name: string;
  readonly rest: string;
}

export function accountKey(key: string): AccountKey {
  const [kind = '', name = '', rest = ''] = key.split('|');
  return { kind, name, rest };
}

/** The tables of the facts among the names of a bucket's digests. */
export function factTableOf(name: string): string | undefined {
  return name.startsWith(FACTS) ? name.slice(FACTS.length) : undefined;
}

/** Stands for the id of a record without one. */
export function placeId(offset: number): UuidWords {
  NO_ID[2] = Math.floor(offset / 2 ** 32);
  NO_ID[3] = offset >>> 0;
  return NO_ID;
}

export function ledgerIn(ledgers: Map<string, BucketLedger>, name: string, shape: LedgerShape): BucketLedger {
  let ledger = ledgers.get(name);
  if (ledger === undefined) ledgers.set(name, (ledger = new BucketLedger(shape)));
  return ledger;
}
