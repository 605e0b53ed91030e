import type { Row } from '../../../platform/clickhouse/port.ts';
import type { ProduceRecord } from '../../../platform/kafka/port.ts';
import { encodeEvent } from '../../../schemas/wire-format.ts';
import type { MillraceEvent } from '../../../schemas/generated/events.ts';
import type { TableRows } from '../state/outbox.ts';
import type { UndoLog } from '../state/undo-log.ts';
import type { FreshRow, OutputRecord, Outputs, Position } from '../topology.ts';
import { EVENT_TIME_HEADER } from './read-head.ts';

/** Emissions of one epoch before the epoch's number would be reached: version = taskEpoch · 2^40 + emission. */
const EPOCH_STEP = 2 ** 40;

/** An announcement to whoever listens now. */
export interface OnlineNotice {
  readonly channel: string;
  readonly message: string;
}

/** Said by time, and by no record. */
const BY_TIME = -1;
/** Part of the commit itself: without it nothing may be committed. */
const VITAL = -2;

/** What the records of a commit are about, one after the other: position of the record behind each. */
export interface Causes {
  /** Contract names. */
  readonly topics: readonly string[];
  readonly offsets: readonly number[];
}

/** What is behind a record of a commit: another record, time, or the commit itself, which goes on without none of these. */
export function causeOf(causes: Causes, index: number): Cause {
  const offset = causes.offsets[index] ?? VITAL;
  if (offset === VITAL) return { kind: 'vital' };
  const topic = causes.topics[index] ?? '';
  return offset === BY_TIME ? { kind: 'time' } : { kind: 'record', topic, offset };
}

export type Cause =
  | { readonly kind: 'record'; readonly topic: string; readonly offset: number }
  | { readonly kind: 'time' }
  | { readonly kind: 'vital' };

/** What a task has said since its last commit (rows, records) and since its last flush (notices). */
export class TaskOutputs implements Outputs {
  readonly #partition: number;
  readonly #topicName: (topic: string) => string;
  readonly #now: () => number;
  readonly #undo: UndoLog;
  #facts = new Map<string, Row[]>();
  #results = new Map<string, Row[]>();
  #records: ProduceRecord[] = [];
  /** Beside the records. */
  #causeTopics: string[] = [];
  #causeOffsets: number[] = [];
  #causeTopic = '';
  #causeOffset = BY_TIME;
  #notices: OnlineNotice[] = [];
  #rowCount = 0;
  #emission = 0;
  /** Name in the namespace by contract topic; a lookup is cheaper than a name. */
  readonly #topicNames = new Map<string, string>();
  #lastTopic = '';
  #lastOffset = -1;
  #ordinal = 0;
  taskEpoch = 0;

  constructor(options: {
    readonly partition: number;
    readonly topicName: (topic: string) => string;
    readonly now: () => number;
    readonly undo: UndoLog;
  }) {
    this.#partition = options.partition;
    this.#topicName = options.topicName;
    this.#now = options.now;
    this.#undo = options.undo;
  }

  /** Version of what was said last. */
  get lastVersion(): number {
    return this.taskEpoch * EPOCH_STEP + this.#emission;
  }

  get pending(): number {
    return this.#rowCount + this.#records.length;
  }

  get hasNotices(): boolean {
    return this.#notices.length > 0;
  }

  /** Below every version of this start, above all of earlier ones. */
  get epochStart(): number {
    return this.taskEpoch * EPOCH_STEP;
  }

  /** Above every version of this start. */
  get epochEnd(): number {
    return (this.taskEpoch + 1) * EPOCH_STEP;
  }

  produce(topic: string, key: string, event: MillraceEvent): void {
    this.produceRaw({
      topic: this.#nameOf(topic),
      key,
      value: encodeEvent(event),
      timestampMs: this.#now(),
    });
  }

  record(topic: string, { key, value, eventTimeMs, ingestTimeMs }: OutputRecord): void {
    this.produceRaw({
      topic: this.#nameOf(topic),
      key,
      value,
      timestampMs: ingestTimeMs,
      headers: { [EVENT_TIME_HEADER]: String(eventTimeMs) },
    });
  }

  /** What is said until {@link end} is about this record. */
  begin(topic: string, offset: number): void {
    this.#causeTopic = topic;
    this.#causeOffset = offset;
  }

  end(): void {
    this.#causeOffset = BY_TIME;
  }

  /** A record as it stands. */
  produceRaw(record: ProduceRecord): void {
    this.#push(record, this.#causeOffset);
  }

  /** A record that the commit is nothing without: late events, dead letters, watermarks. */
  produceVital(record: ProduceRecord): void {
    this.#push(record, VITAL);
  }

  #push(record: ProduceRecord, causeOffset: number): void {
    this.#records.push(record);
    this.#causeTopics.push(this.#causeTopic);
    this.#causeOffsets.push(causeOffset);
    if (this.#undo.isActive) this.#undo.note(() => this.#removeRecord());
  }

  #removeRecord(): void {
    this.#records.pop();
    this.#causeTopics.pop();
    this.#causeOffsets.pop();
  }

  fact(table: string, record: Position, row: FreshRow): void {
    const isSame = record.offset === this.#lastOffset && record.topic === this.#lastTopic;
    this.#ordinal = isSame ? this.#ordinal + 1 : 0;
    this.#lastTopic = record.topic;
    this.#lastOffset = record.offset;
    row['_topic'] = this.#nameOf(record.topic);
    row['_partition'] = record.partition;
    row['_offset'] = record.offset;
    row['_ordinal'] = this.#ordinal;
    detach(row);
    this.#addRow(this.#facts, table, row);
  }

  versionedRow(table: string, row: FreshRow): void {
    row['partition'] = this.#partition;
    row['emitted_at'] = this.#now();
    row['version'] = this.nextVersion();
    detach(row);
    this.#addRow(this.#results, table, row);
  }

  notify(channel: string, message: string): void {
    const notices = this.#notices;
    notices.push({ channel, message });
    if (this.#undo.isActive) this.#undo.note(() => notices.pop());
  }

  /** Facts and versioned rows by table, and records since the last call. */
  take(): {
    readonly facts: TableRows;
    readonly results: TableRows;
    readonly records: ProduceRecord[];
    readonly causes: Causes;
  } {
    const causes = { topics: this.#causeTopics, offsets: this.#causeOffsets };
    const taken = { facts: this.#facts, results: this.#results, records: this.#records, causes };
    this.#facts = new Map();
    this.#results = new Map();
    this.#records = [];
    this.#causeTopics = [];
    this.#causeOffsets = [];
    this.#rowCount = 0;
    return taken;
  }

  takeNotices(): readonly OnlineNotice[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }

  /** A version above all that were given before, for what is written with one. */
  nextVersion(): number {
    this.#emission += 1;
    return this.lastVersion;
  }

  #nameOf(topic: string): string {
    let name = this.#topicNames.get(topic);
    if (name === undefined) this.#topicNames.set(topic, (name = this.#topicName(topic)));
    return name;
  }

  #addRow(tables: Map<string, Row[]>, table: string, row: Row): void {
    const rows = tables.get(table);
    if (rows === undefined) tables.set(table, [row]);
    else rows.push(row);
    this.#rowCount += 1;
    if (!this.#undo.isActive) return;
    this.#undo.note(() => {
      if (tables.get(table)?.pop() !== undefined) this.#rowCount -= 1;
    });
  }
}

/**
 * Gives a row values of its own: it is written after later records have changed the state, and a list in it may be one of
 * the state's.
 */
function detach(row: FreshRow): void {
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'object' && value !== null) row[column] = copyOf(value);
  }
}

/** Of what a row may hold; `structuredClone` takes ten times as long. */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Date) return new Date(value);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]));
}
