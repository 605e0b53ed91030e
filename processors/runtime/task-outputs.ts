import type { Row } from '../../platform/clickhouse/port.ts';
import type { ProduceRecord } from '../../platform/kafka/port.ts';
import type { VersionedWrite } from '../../platform/online-store/port.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import type { InputRecord, Outputs } from './topology.ts';

/** Emissions of one epoch before the epoch's number would be reached: version = taskEpoch · 2^40 + emission. */
const EPOCH_STEP = 2 ** 40;

interface PendingOnline {
  readonly value: () => string | null;
  readonly ttlMs: number;
  /** Ingest time of the oldest event that waits in this write. */
  readonly acceptedAtMs: number | undefined;
}

/** A write to the online store that is on its way. */
export interface OnlineWrite extends VersionedWrite {
  readonly acceptedAtMs: number | undefined;
}

/** An announcement to whoever listens now. */
export interface OnlineNotice {
  readonly channel: string;
  readonly message: string;
}

/** What a task has said since its last commit (rows, records) and since its last flush (online writes, notices). */
export class TaskOutputs implements Outputs {
  readonly #partition: number;
  readonly #topicName: (topic: string) => string;
  readonly #now: () => number;
  #rows = new Map<string, Row[]>();
  #records: ProduceRecord[] = [];
  #online = new Map<string, PendingOnline>();
  #notices: OnlineNotice[] = [];
  #rowCount = 0;
  #emission = 0;
  #lastOffset = '';
  #ordinal = 0;
  taskEpoch = 0;

  constructor(partition: number, topicName: (topic: string) => string, now: () => number) {
    this.#partition = partition;
    this.#topicName = topicName;
    this.#now = now;
  }

  get pending(): number {
    return this.#rowCount + this.#records.length;
  }

  get hasOnline(): boolean {
    return this.#online.size > 0 || this.#notices.length > 0;
  }

  produce(topic: string, key: string, event: MillraceEvent): void {
    this.#records.push({
      topic: this.#topicName(topic),
      key,
      value: encodeEvent(event),
      timestampMs: this.#now(),
    });
  }

  /** A record as it stands: late events and dead letters. */
  produceRaw(record: ProduceRecord): void {
    this.#records.push(record);
  }

  fact(table: string, record: InputRecord, row: Row): void {
    const place = `${record.topic}|${record.offset}`;
    this.#ordinal = place === this.#lastOffset ? this.#ordinal + 1 : 0;
    this.#lastOffset = place;
    this.#addRow(table, {
      _topic: this.#topicName(record.topic),
      _partition: record.partition,
      _offset: record.offset,
      _ordinal: this.#ordinal,
      ...row,
    });
  }

  versionedRow(table: string, row: Row): void {
    this.#addRow(table, {
      ...row,
      partition: this.#partition,
      emitted_at: this.#now(),
      version: this.#nextVersion(),
    });
  }

  online(key: string, write: { value: () => string | null; ttlMs: number; acceptedAtMs?: number }): void {
    const waiting = this.#online.get(key)?.acceptedAtMs;
    this.#online.set(key, {
      value: write.value,
      ttlMs: write.ttlMs,
      acceptedAtMs: waiting ?? write.acceptedAtMs,
    });
  }

  notify(channel: string, message: string): void {
    this.#notices.push({ channel, message });
  }

  /** Rows by table and records since the last call. */
  take(): { readonly rows: ReadonlyMap<string, readonly Row[]>; readonly records: ProduceRecord[] } {
    const taken = { rows: this.#rows, records: this.#records };
    this.#rows = new Map();
    this.#records = [];
    this.#rowCount = 0;
    return taken;
  }

  /** Online writes and notices since the last call, with values and versions of now. */
  takeOnline(): {
    readonly writes: OnlineWrite[];
    readonly notices: readonly OnlineNotice[];
  } {
    const writes = [...this.#online].map(([key, pending]) => ({
      key,
      value: pending.value(),
      ttlMs: pending.ttlMs,
      version: this.#nextVersion(),
      acceptedAtMs: pending.acceptedAtMs,
    }));
    const notices = this.#notices;
    this.#online = new Map();
    this.#notices = [];
    return { writes, notices };
  }

  #nextVersion(): number {
    this.#emission += 1;
    return this.taskEpoch * EPOCH_STEP + this.#emission;
  }

  #addRow(table: string, row: Row): void {
    const rows = this.#rows.get(table);
    if (rows === undefined) this.#rows.set(table, [row]);
    else rows.push(row);
    this.#rowCount += 1;
  }
}
