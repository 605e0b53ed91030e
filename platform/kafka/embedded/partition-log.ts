import type { MillraceError } from '../../errors.ts';
import { outOfRange } from '../offset-range.ts';
import type { LogRecord } from '../port.ts';
import { readCold } from './cold-read.ts';
import { MAX_READ_BYTES, stoppedAt, type ReadLimits, type ReadResult } from './read-limits.ts';
import { decodeRecords } from './record-codec.ts';
import type { Segment } from './segment.ts';

/** A block that is still in memory. */
interface HotBlock {
  readonly base: number;
  readonly last: number;
  readonly payload: Buffer;
}

/** Memory of a block: its whole buffer, and about this much for the objects around it. */
const BLOCK_OVERHEAD_BYTES = 256;

export function memoryOf(payload: Buffer): number {
  return payload.buffer.byteLength + BLOCK_OVERHEAD_BYTES;
}

interface PartitionOptions {
  readonly topicId: number;
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** One partition: its offsets, the segments that hold it, and its latest blocks in memory. */
export class PartitionLog {
  readonly topicId: number;
  readonly topic: string;
  readonly partition: number;
  /** Called after each append that became durable. */
  readonly subscribers = new Set<() => void>();
  #start: number;
  #end: number;
  #segments: Segment[] = [];
  #hot: HotBlock[] = [];
  #hotFrom = 0;
  /** Next offset to hand out; ahead of `end` by what is not durable yet. */
  reserved: number;
  isDeleted = false;

  constructor(options: PartitionOptions) {
    this.topicId = options.topicId;
    this.topic = options.topic;
    this.partition = options.partition;
    this.#start = options.start;
    this.#end = options.end;
    this.reserved = options.end;
  }

  get start(): number {
    return this.#start;
  }

  /** Last stable offset: all below is durable and may be read. */
  get end(): number {
    return this.#end;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Makes a durable block visible and keeps it in memory. */
  append(block: HotBlock): void {
    this.#end = block.last + 1;
    this.#hot.push(block);
    for (const notify of this.subscribers) notify();
  }

  /** Forgets the oldest block in memory; answers the bytes that it took. */
  evict(): number {
    const block = this.#hot[this.#hotFrom];
    if (block === undefined) return 0;
    this.#hotFrom++;
    if (this.#hotFrom * 2 > this.#hot.length) {
      this.#hot = this.#hot.slice(this.#hotFrom);
      this.#hotFrom = 0;
    }
    return memoryOf(block.payload);
  }

  /** Takes a segment that holds something of this partition, the newest last. */
  attach(segment: Segment): void {
    const part = segment.part(this.topicId, this.partition);
    if (part === undefined || part.last < this.#start) return;
    this.#segments.push(segment);
    this.#end = Math.max(this.#end, part.last + 1);
    this.reserved = Math.max(this.reserved, this.#end);
  }

  /** Puts a rewritten segment, if it has anything of this partition, in the place of its sources. */
  replace(sources: ReadonlySet<Segment>, rewritten: Segment | undefined): void {
    const at = this.#segments.findIndex((segment) => sources.has(segment));
    if (at < 0) return;
    const rest = this.#segments.filter((segment) => !sources.has(segment));
    if (rewritten?.part(this.topicId, this.partition) !== undefined) rest.splice(at, 0, rewritten);
    this.#segments = rest;
  }

  trimTo(offset: number): void {
    this.#start = Math.max(this.#start, offset);
    this.#segments = this.#segments.filter(
      (segment) => (segment.part(this.topicId, this.partition)?.last ?? -1) >= this.#start,
    );
  }

  delete(): void {
    this.isDeleted = true;
    this.#segments = [];
    for (const notify of this.subscribers) notify();
  }

  /**
   * Records from `offset` on: from memory at once, from disk with a promise. Empty where `offset` is the end. Throws
   * MR_KAFKA_OFFSET_OUT_OF_RANGE outside of the log, MR_LOG_CORRUPT where the disk has other bytes than were written.
   */
  read(offset: number, limits: ReadLimits): ReadResult | Promise<ReadResult> {
    if (offset < this.#start || offset > this.#end || this.isDeleted) throw this.outOfRange(offset);
    const endOffset = Math.min(limits.endOffset, this.#end);
    if (offset >= endOffset) return { records: [], nextOffset: offset };
    const oldest = this.#hot[this.#hotFrom];
    if (oldest !== undefined && offset >= oldest.base) return this.#readHot(offset, { ...limits, endOffset });
    return this.#readDisk(offset, { ...limits, endOffset });
  }

  async #readDisk(offset: number, limits: ReadLimits): Promise<ReadResult> {
    return (await readCold(this, offset, limits)) ?? this.read(offset, limits);
  }

  #readHot(offset: number, limits: ReadLimits): ReadResult {
    const records: LogRecord[] = [];
    let nextOffset = offset;
    let bytes = 0;
    for (let i = this.#findHot(offset); i < this.#hot.length; i++) {
      const block = this.#hot[i];
      if (block === undefined || block.base >= limits.endOffset) break;
      const window = { ...limits, base: block.base, fromOffset: offset };
      if (!decodeRecords(block.payload, window, records)) return stoppedAt(records, offset);
      nextOffset = Math.min(block.last + 1, limits.endOffset);
      bytes += block.payload.length;
      if (bytes >= MAX_READ_BYTES) break;
    }
    return { records, nextOffset };
  }

  #findHot(offset: number): number {
    let low = this.#hotFrom;
    let high = this.#hot.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#hot[middle]?.last ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  outOfRange(offset: number): MillraceError {
    const { topic, partition } = this;
    return outOfRange({ topic, partition, offset }, { start: this.#start, end: this.#end });
  }
}
