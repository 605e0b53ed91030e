import type { LogRecord, RecordBatch } from '../../../platform/kafka/port.ts';
import type { WatermarkMark } from '../time/marks.ts';
import type { Input } from '../topology.ts';

/** The next record of an input, as far as it had to be read to know its time. */
export type Head =
  | {
      readonly kind: 'value';
      readonly record: LogRecord;
      readonly value: unknown;
      readonly eventTimeMs: number;
    }
  | { readonly kind: 'mark'; readonly record: LogRecord; readonly mark: WatermarkMark }
  | {
      readonly kind: 'fault';
      readonly record: LogRecord;
      readonly code: ReadFaultCode;
      readonly reason: string;
    };

type ReadFaultCode =
  | 'MR_SCHEMA_DECODE'
  | 'MR_SCHEMA_UNKNOWN_ID'
  | 'MR_PROCESS_INVALID_EVENT'
  | 'MR_PROCESS_EVENT_TOO_LARGE';

/**
 * What was fetched of one input of a task and is not yet processed. Two positions: up to where it was fetched, and up
 * to where it was processed; only the latter is ever committed.
 */
export class InputQueue {
  readonly topic: string;
  readonly input: Input;
  /** Whether others than tasks of this application write its topic. */
  readonly isOutside: boolean;
  /** Next offset to process. */
  position: number;
  /** Next offset to fetch. */
  fetchPosition: number;
  /** Records fetched and not yet processed. */
  waiting = 0;
  /** Records processed since the task started. */
  read = 0;
  /** End of the log as of the last fetch. */
  #endOffset = 0;
  #atEnd = false;
  readonly #batches: RecordBatch[] = [];
  #index = 0;
  readonly #readHead: (record: LogRecord, input: Input) => Head;
  #head: Head | undefined;

  constructor(
    input: Input,
    options: {
      readonly position: number;
      readonly isOutside: boolean;
      readonly readHead: (record: LogRecord, input: Input) => Head;
    },
  ) {
    this.topic = input.topic;
    this.input = input;
    this.isOutside = options.isOutside;
    this.position = options.position;
    this.fetchPosition = options.position;
    this.#readHead = options.readHead;
  }

  /** Whether the last fetch reached the end of the log and all of it was processed. */
  get isDrained(): boolean {
    return this.#atEnd && this.#batches.length === 0;
  }

  /** Records behind the end of the log as of the last fetch. */
  get lag(): number {
    return Math.max(0, this.#endOffset - this.position);
  }

  /** Takes a fetch. Records that were fetched before are passed over. */
  push(batch: RecordBatch): void {
    if (batch.nextOffset < this.fetchPosition) return;
    this.#endOffset = Math.max(this.#endOffset, batch.endOffset);
    this.#atEnd = batch.nextOffset >= batch.endOffset;
    const first = batch.records[0];
    let { records } = batch;
    if (first !== undefined && first.offset < this.fetchPosition)
      records = records.filter(({ offset }) => offset >= this.fetchPosition);
    this.fetchPosition = batch.nextOffset;
    if (records.length > 0) {
      this.#batches.push({ ...batch, records });
      this.waiting += records.length;
    } else if (this.#batches.length === 0) {
      this.position = batch.nextOffset;
    } else {
      // Holes at the end belong to what waits before them.
      const last = this.#batches.length - 1;
      this.#batches[last] = { ...(this.#batches[last] as RecordBatch), nextOffset: batch.nextOffset };
    }
  }

  /** Until the next fetch it is not known whether there is more. */
  unconfirm(): void {
    this.#atEnd = false;
  }

  /** The next record to process; undefined where nothing waits. */
  head(): Head | undefined {
    if (this.#head !== undefined) return this.#head;
    const record = this.#batches[0]?.records[this.#index];
    if (record === undefined) return undefined;
    this.#head = this.#readHead(record, this.input);
    return this.#head;
  }

  /** The head was processed. */
  shift(): void {
    const batch = this.#batches[0];
    if (batch === undefined) return;
    const record = batch.records[this.#index];
    this.#head = undefined;
    this.#index += 1;
    this.waiting -= 1;
    this.read += 1;
    if (this.#index < batch.records.length) {
      this.position = (record?.offset ?? this.position) + 1;
      return;
    }
    this.position = batch.nextOffset;
    this.#batches.shift();
    this.#index = 0;
  }
}
