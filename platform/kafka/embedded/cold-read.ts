import { crc32 } from 'node:zlib';
import type { LogRecord } from '../port.ts';
import type { BatchEntry, BatchTable } from './batch-table.ts';
import { MAX_READ_BYTES, stoppedAt, type ReadLimits, type ReadResult } from './read-limits.ts';
import { decodeRecords } from './record-codec.ts';
import type { Segment } from './segment.ts';

/** Blocks closer together than this are read in one go: a read costs more than the bytes between. */
const MAX_GAP_BYTES = 64 * 1024;

/** A partition as it lies on disk. */
export interface StoredPartition {
  readonly topicId: number;
  readonly partition: number;
  /** In offset order. */
  readonly segments: readonly Segment[];
}

/**
 * Reads blocks of one segment from disk, and checks their sums. Undefined where the segment was replaced meanwhile: the
 * caller looks again.
 */
export async function readCold(
  partition: StoredPartition,
  offset: number,
  limits: ReadLimits,
): Promise<ReadResult | undefined> {
  for (const segment of partition.segments) {
    const part = segment.part(partition.topicId, partition.partition);
    if (part === undefined || part.last < offset) continue;
    try {
      const entries = selectEntries(await segment.table(part), offset, limits);
      if (entries.length === 0) break;
      return decode(entries, await readPayloads(segment, entries), { offset, limits });
    } catch (error) {
      if (segment.isDropped) return undefined;
      throw error;
    }
  }
  // Compaction took the rest.
  return { records: [], nextOffset: limits.endOffset };
}

function selectEntries(table: BatchTable, offset: number, limits: ReadLimits): BatchEntry[] {
  const entries: BatchEntry[] = [];
  let bytes = 0;
  let records = 0;
  for (let i = table.find(offset); i < table.count; i++) {
    const entry = table.at(i);
    if (entry.base >= limits.endOffset) break;
    entries.push(entry);
    bytes += entry.length;
    // The first entry may begin before the offset, so its records do not count.
    if (entries.length > 1) records += entry.records;
    if (bytes >= MAX_READ_BYTES || records >= limits.maxRecords) break;
  }
  return entries;
}

/** The payload of each entry, checked; neighbours share one read and one buffer. */
export async function readPayloads(segment: Segment, entries: readonly BatchEntry[]): Promise<Buffer[]> {
  const payloads: Buffer[] = [];
  for (let from = 0; from < entries.length; ) {
    const to = runEnd(entries, from);
    const first = entries[from];
    const last = entries[to - 1];
    if (first === undefined || last === undefined) break;
    const bytes = await segment.read(first.position, last.position + last.length - first.position);
    for (const entry of entries.slice(from, to)) {
      const at = entry.position - first.position;
      const payload = bytes.subarray(at, at + entry.length);
      if (crc32(payload) !== entry.crc)
        throw segment.corrupt('a block of the log fails its checksum', entry.position);
      payloads.push(payload);
    }
    from = to;
  }
  return payloads;
}

function runEnd(entries: readonly BatchEntry[], from: number): number {
  let to = from + 1;
  for (; to < entries.length; to++) {
    const before = entries[to - 1];
    const entry = entries[to];
    if (before === undefined || entry === undefined) break;
    const gap = entry.position - (before.position + before.length);
    if (gap < 0 || gap > MAX_GAP_BYTES) break;
  }
  return to;
}

function decode(
  entries: readonly BatchEntry[],
  payloads: readonly Buffer[],
  wanted: { readonly offset: number; readonly limits: ReadLimits },
): ReadResult {
  const { offset, limits } = wanted;
  const records: LogRecord[] = [];
  let nextOffset = offset;
  for (const [i, payload] of payloads.entries()) {
    const entry = entries[i];
    if (entry === undefined) break;
    const window = { ...limits, base: entry.base, fromOffset: offset };
    if (!decodeRecords(payload, window, records)) return stoppedAt(records, offset);
    nextOffset = Math.min(entry.last + 1, limits.endOffset);
  }
  return { records, nextOffset };
}
