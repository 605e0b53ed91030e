import type { MillraceError } from '../../errors.ts';
import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../port.ts';
import type { FetchedPartition } from './protocol/data-api.ts';
import { offsetAfter, RecordBatchReader } from './protocol/record-batch-reader.ts';

interface Chunk {
  readonly reader: RecordBatchReader;
  readonly endOffset: number;
}

/** Answers that wait for the owner: one is taken from while the next is on its way. */
const MAX_CHUNKS = 2;

/** Where one partition is being read, and what has been fetched of it. */
export class FetchPosition {
  readonly place: TopicPartition;
  /** Changes whenever answers under way lose their meaning. */
  version = 0;
  paused = false;
  /** True once the owner knows that there is nothing more for now. */
  idleTold = false;
  /** A final refusal is on its way. */
  isRefusing = false;
  /** Set by a final refusal; cleared by a seek. */
  refusal: MillraceError | null = null;
  /** Since when the broker says that there is more, and gives nothing; null while all is well. */
  stalledSinceMs: number | null = null;
  #nextOffset: number | null = null;
  #fetchOffset = 0;
  #chunks: Chunk[] = [];
  /** Last stable offset of an empty answer that the owner has not been told of. */
  #idleAt: number | null = null;

  constructor(place: TopicPartition) {
    this.place = { topic: place.topic, partition: place.partition };
  }

  get wantsMore(): boolean {
    return (
      this.#nextOffset !== null &&
      !this.paused &&
      !this.isRefusing &&
      this.refusal === null &&
      this.#chunks.length < MAX_CHUNKS
    );
  }

  /** True while its owner has answers to take. */
  get isBuffered(): boolean {
    return this.#chunks.length > 0 && !this.paused;
  }

  /** True until it is sought or resumed. */
  get isHeld(): boolean {
    return this.#nextOffset === null || this.paused;
  }

  request(): { readonly place: TopicPartitionOffset; readonly version: number } {
    return { place: { ...this.place, offset: this.#fetchOffset }, version: this.version };
  }

  seek(offset: number): void {
    this.version++;
    this.refusal = null;
    this.isRefusing = false;
    this.idleTold = false;
    this.stalledSinceMs = null;
    this.#idleAt = null;
    this.#chunks = [];
    this.#nextOffset = offset;
    this.#fetchOffset = offset;
  }

  /** The partition is someone else's now. */
  drop(): void {
    this.version++;
    this.#nextOffset = null;
    this.#chunks = [];
    this.#idleAt = null;
  }

  refuse(error: MillraceError): void {
    this.version++;
    this.refusal = error;
    this.#chunks = [];
  }

  /** @param elapsedMs of the clock that `stalledSinceMs` is on */
  accept({ bytes, aborted, lastStableOffset }: FetchedPartition, elapsedMs: number): void {
    const fromOffset = this.#fetchOffset;
    const after = offsetAfter(bytes, fromOffset);
    const isStalled = after <= fromOffset && fromOffset < lastStableOffset;
    this.stalledSinceMs = isStalled ? (this.stalledSinceMs ?? elapsedMs) : null;
    if (after > fromOffset) {
      this.#chunks.push({
        reader: new RecordBatchReader({ bytes, fromOffset, aborted }),
        endOffset: lastStableOffset,
      });
      this.#fetchOffset = after;
    } else if (!this.idleTold && fromOffset >= lastStableOffset) {
      this.#idleAt = lastStableOffset;
    }
  }

  /** The next batch, if one is ready and may be delivered. */
  take(maxRecords: number): RecordBatch | null {
    if (this.paused || this.#nextOffset === null) return null;
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const records = chunk.reader.read(maxRecords);
      if (chunk.reader.done) this.#chunks.shift();
      const moved = chunk.reader.nextOffset > this.#nextOffset;
      this.#nextOffset = chunk.reader.nextOffset;
      const { endOffset } = chunk;
      if (records.length > 0 || (moved && this.#nextOffset >= endOffset)) {
        // An empty batch at the end says by itself that the partition is idle.
        this.idleTold = records.length === 0;
        this.#idleAt = null;
        return { ...this.place, records, nextOffset: this.#nextOffset, endOffset };
      }
    }
    if (this.#idleAt === null || this.#chunks.length > 0) return null;
    const endOffset = this.#idleAt;
    this.#idleAt = null;
    this.idleTold = true;
    return { ...this.place, records: [], nextOffset: this.#nextOffset, endOffset };
  }
}
