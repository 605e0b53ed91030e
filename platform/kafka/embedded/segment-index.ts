import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { errorText } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { BatchTable } from './batch-table.ts';
import { indexPath, partKey, type Segment, type SegmentPart, type StoredTable } from './segment.ts';

/**
 * The index of a closed segment: `magic u32 | summary bytes u32 | CRC u32`, the summary (JSON), then a table of blocks
 * for each partition. It saves reading the segment at start; where it is missing or damaged the segment is read.
 */
const MAGIC = 0x4d525849;
const HEADER_BYTES = 12;

interface Summary {
  readonly nonce: number;
  readonly segmentBytes: number;
  readonly parts: readonly (Omit<SegmentPart, 'table' | 'stored'> & { readonly stored: StoredTable })[];
}

/** Writes the index of a segment whose tables are all in memory, and lets the tables go. */
function writeIndex(segment: Segment): void {
  const tables: Buffer[] = [];
  const parts: Summary['parts'][number][] = [];
  let position = 0;
  for (const part of segment.parts.values()) {
    const { table, ...rest } = part;
    const bytes = table?.bytes() ?? Buffer.alloc(0);
    const stored = { position, bytes: bytes.length, crc: crc32(bytes) };
    tables.push(bytes);
    parts.push({ ...rest, stored });
    position += bytes.length;
  }
  const summary: Summary = { nonce: segment.identity.nonce, segmentBytes: segment.bytes, parts };
  const json = Buffer.from(JSON.stringify(summary), 'utf8');
  const path = indexPath(segment.dir, segment.id);
  writeFileSync(`${path}.tmp`, Buffer.concat([header(json), json, ...tables]));
  renameSync(`${path}.tmp`, path);
  for (const { topicId, partition, stored } of parts) {
    const part = segment.part(topicId, partition);
    if (part !== undefined) store(part, shifted(stored, HEADER_BYTES + json.length));
  }
}

function store(part: SegmentPart, stored: StoredTable): void {
  part.table = undefined;
  part.stored = stored;
}

function shifted(stored: StoredTable, by: number): StoredTable {
  return { ...stored, position: stored.position + by };
}

function header(json: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(json.length, 4);
  bytes.writeUInt32LE(crc32(json), 8);
  return bytes;
}

/** Writes the index where the disk takes it: it only makes the next start faster, and the tables stay in memory. */
export function tryWriteIndex(segment: Segment, log: Logger): void {
  try {
    writeIndex(segment);
  } catch (error) {
    log.warn(
      { error: errorText(error) },
      'could not write the index of a segment; check the free disk space',
    );
  }
}

/** Fills the parts of a segment from its index; false where there is no index that fits the segment. */
export function readIndex(segment: Segment, segmentBytes: number): boolean {
  const found = parseIndex(indexPath(segment.dir, segment.id));
  if (found === undefined) return false;
  const { summary, tablesAt } = found;
  if (summary.nonce !== segment.identity.nonce || summary.segmentBytes !== segmentBytes) return false;
  for (const { stored, ...rest } of summary.parts) {
    const part = { ...rest, table: undefined, stored: shifted(stored, tablesAt) };
    segment.parts.set(partKey(rest.topicId, rest.partition), part);
  }
  segment.bytes = segmentBytes;
  return true;
}

/** Whether the segment was closed: only then it has an index. */
export function indexFits(segment: Segment): boolean {
  const summary = parseIndex(indexPath(segment.dir, segment.id))?.summary;
  return summary?.nonce === segment.identity.nonce;
}

function parseIndex(path: string): { readonly summary: Summary; readonly tablesAt: number } | undefined {
  const bytes = readFile(path);
  if (bytes === undefined || bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  const tablesAt = HEADER_BYTES + bytes.readUInt32LE(4);
  const json = bytes.subarray(HEADER_BYTES, tablesAt);
  if (crc32(json) !== bytes.readUInt32LE(8)) return undefined;
  return { summary: JSON.parse(json.toString('utf8')) as Summary, tablesAt };
}

function readFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Reads one table of an index; undefined where the file is damaged. */
export async function readTable(segment: Segment, stored: StoredTable): Promise<BatchTable | undefined> {
  const file = await open(indexPath(segment.dir, segment.id), 'r').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(stored.bytes);
    await file.read(bytes, 0, stored.bytes, stored.position);
    return crc32(bytes) === stored.crc ? BatchTable.from(bytes) : undefined;
  } finally {
    await file.close();
  }
}
