import type { BatchEntry } from './batch-table.ts';
import { readPayloads } from './cold-read.ts';
import type { PartitionLog } from './partition-log.ts';
import { rawRecords } from './record-codec.ts';
import { MAX_READ_BYTES } from './read-limits.ts';
import { closedParts } from './retention.ts';
import type { Segment, SegmentPart } from './segment.ts';

/** A block with its bytes. */
interface StoredBlock {
  readonly entry: BatchEntry;
  readonly payload: Buffer;
}

/** The blocks of one partition in one segment, read about a megabyte at a time. */
export async function* storedBlocks(segment: Segment, part: SegmentPart): AsyncGenerator<StoredBlock> {
  const table = await segment.table(part);
  for (let i = 0; i < table.count; ) {
    const entries: BatchEntry[] = [];
    for (let bytes = 0; i < table.count && bytes < MAX_READ_BYTES; i++) {
      const entry = table.at(i);
      entries.push(entry);
      bytes += entry.length;
    }
    const payloads = await readPayloads(segment, entries);
    for (const [at, payload] of payloads.entries()) {
      const entry = entries[at];
      if (entry !== undefined) yield { entry, payload };
    }
  }
}

export interface CompactionOptions {
  readonly closed: ReadonlySet<Segment>;
  /** Tombstones older than this are dropped with the records that they delete. */
  readonly tombstonesBeforeMs: number;
}

/**
 * The offsets that compaction keeps of a partition's closed segments, ascending: the latest record of each key, and
 * records without a key. Memory: one entry for each live key of this partition.
 */
export async function survivingOffsets(
  partition: PartitionLog,
  options: CompactionOptions,
): Promise<Float64Array> {
  const latest = new Map<string, number>();
  const keyless: number[] = [];
  for (const { segment, part } of closedParts(partition, options.closed)) {
    for await (const { entry, payload } of storedBlocks(segment, part)) {
      for (const record of rawRecords(payload, entry.base)) {
        if (record.offset < partition.start) continue;
        if (record.key === null) keyless.push(record.offset);
        else if (record.isTombstone && record.timestampMs < options.tombstonesBeforeMs)
          latest.delete(record.key);
        else latest.set(record.key, record.offset);
      }
    }
  }
  const offsets = Float64Array.from(keyless.concat([...latest.values()]));
  return offsets.sort();
}

/** How many of the ascending offsets lie between `first` and `last`, both included. */
export function countBetween(offsets: Float64Array, first: number, last: number): number {
  return lowerBound(offsets, last + 1) - lowerBound(offsets, first);
}

/** Index of the first offset that is at least `offset`. */
export function lowerBound(offsets: Float64Array, offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
