import type { ProduceRecord } from '../port.ts';
import { copyRecord, encodeRecord, maxEncodedBytes, type RawRecord } from './record-codec.ts';

/** A block of records of one partition, ready to be written. */
export interface Block {
  readonly topicId: number;
  readonly partition: number;
  readonly base: number;
  /** Last offset that the block covers; compaction may have removed the record itself. */
  readonly last: number;
  readonly maxTimestampMs: number;
  readonly records: number;
  readonly payload: Buffer;
}

/** A block this full is closed: readers skip inside a block record by record. */
export const MAX_BLOCK_BYTES = 1024 * 1024;

/** Collects the records of one partition into one buffer. */
export class BlockBuilder {
  readonly base: number;
  #last: number;
  #maxTimestampMs = -Infinity;
  #records = 0;
  #target: Buffer;
  readonly #place = { at: 0, delta: 0, timestampMs: 0 };

  constructor(base: number, capacityHint: number) {
    this.base = base;
    this.#last = base - 1;
    // Never from Buffer's shared pool: the hot cache would keep whole slabs alive for one small record.
    this.#target = Buffer.allocUnsafeSlow(Math.max(capacityHint, 256));
  }

  get bytes(): number {
    return this.#place.at;
  }

  get isFull(): boolean {
    return this.#place.at >= MAX_BLOCK_BYTES;
  }

  /** Appends a record; answers its encoded size in bytes. */
  add(record: ProduceRecord, timestampMs: number): number {
    const place = this.#next(this.#last + 1, timestampMs, maxEncodedBytes(record));
    const from = place.at;
    place.at = encodeRecord(this.#target, record, place);
    return place.at - from;
  }

  /** Appends a record that lies in the payload of another block. */
  copy(payload: Buffer, record: RawRecord): void {
    const place = this.#next(record.offset, record.timestampMs, record.end - record.from);
    place.at = copyRecord(this.#target, payload, record, place);
  }

  /** Extends the block over offsets whose records are gone. */
  coverTo(last: number): void {
    this.#last = Math.max(this.#last, last);
  }

  build(topicId: number, partition: number): Block {
    return {
      topicId,
      partition,
      base: this.base,
      last: this.#last,
      maxTimestampMs: this.#maxTimestampMs,
      records: this.#records,
      payload: this.#target.subarray(0, this.#place.at),
    };
  }

  #next(
    offset: number,
    timestampMs: number,
    bytes: number,
  ): { at: number; delta: number; timestampMs: number } {
    this.#reserve(bytes);
    const place = this.#place;
    place.delta = offset - this.base;
    place.timestampMs = timestampMs;
    this.#last = offset;
    this.#records++;
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    return place;
  }

  #reserve(bytes: number): void {
    const needed = this.#place.at + bytes;
    if (needed <= this.#target.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#target.length * 2));
    this.#target.copy(larger, 0, 0, this.#place.at);
    this.#target = larger;
  }
}
