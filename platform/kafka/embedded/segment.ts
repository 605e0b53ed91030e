import { randomBytes } from 'node:crypto';
import { close, closeSync, openSync, read, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { MillraceError } from '../../errors.ts';
import { BatchTable } from './batch-table.ts';
import type { FrameBlock } from './frame.ts';

const readAt = promisify(read);
const closeFile = promisify(close);

/** magic | version | id f64 | covers up to id f64 | nonce u32 | CRC u32 */
export const SEGMENT_HEADER_BYTES = 32;
const MAGIC = 0x4d52534c;
const VERSION = 2;

export interface SegmentIdentity {
  readonly id: number;
  /** A rewritten segment holds what the segments up to this id held; those are to be removed. */
  readonly coversTo: number;
  /** Random: bytes of another segment never pass for frames of this one. */
  readonly nonce: number;
}

export function newIdentity(id: number, coversTo = id): SegmentIdentity {
  return { id, coversTo, nonce: randomBytes(4).readUInt32LE() };
}

export function encodeSegmentHeader(identity: SegmentIdentity): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(VERSION, 4);
  header.writeDoubleLE(identity.id, 8);
  header.writeDoubleLE(identity.coversTo, 16);
  header.writeUInt32LE(identity.nonce, 24);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/**
 * Undefined where the bytes are no header.
 * @throws MillraceError MR_LOG_FORMAT where another version of the format is in use
 */
export function parseSegmentHeader(header: Buffer, path: string): SegmentIdentity | undefined {
  if (header.length < SEGMENT_HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return undefined;
  if (header.readUInt32LE(28) !== crc32(header.subarray(0, 28))) return undefined;
  const version = header.readUInt32LE(4);
  if (version !== VERSION) {
    const message = `${path} is of version ${version} of the log format; this Millrace reads version ${VERSION}`;
    throw new MillraceError('MR_LOG_FORMAT', message, { context: { file: path, version } });
  }
  return { id: header.readDoubleLE(8), coversTo: header.readDoubleLE(16), nonce: header.readUInt32LE(24) };
}

export function segmentPath(dir: string, id: number): string {
  return join(dir, `${String(id).padStart(16, '0')}.log`);
}

export function indexPath(dir: string, id: number): string {
  return join(dir, `${String(id).padStart(16, '0')}.idx`);
}

/** What a segment holds of one partition. */
export interface SegmentPart {
  readonly topicId: number;
  readonly partition: number;
  first: number;
  last: number;
  records: number;
  bytes: number;
  maxTimestampMs: number;
  /** Absent where it lies in the index file only. */
  table: BatchTable | undefined;
  /** Where the table lies in the index file, once that is written. */
  stored: StoredTable | undefined;
}

export interface StoredTable {
  readonly position: number;
  readonly bytes: number;
  readonly crc: number;
}

/** Loads the table of a part that is not in memory. */
export type TableLoader = (segment: Segment, part: SegmentPart) => BatchTable | Promise<BatchTable>;

/** One file of the journal: frames of every partition, in commit order. */
export class Segment {
  readonly dir: string;
  readonly identity: SegmentIdentity;
  readonly parts = new Map<number, SegmentPart>();
  readonly #loadTable: TableLoader;
  bytes = SEGMENT_HEADER_BYTES;
  #fd: number | undefined;
  #readers = 0;
  #dropped = false;

  constructor(dir: string, identity: SegmentIdentity, loadTable: TableLoader) {
    this.dir = dir;
    this.identity = identity;
    this.#loadTable = loadTable;
  }

  /** Whether the segment was removed or rewritten: what a reader finds under its name may be another file. */
  get isDropped(): boolean {
    return this.#dropped;
  }

  get id(): number {
    return this.identity.id;
  }

  part(topicId: number, partition: number): SegmentPart | undefined {
    return this.parts.get(partKey(topicId, partition));
  }

  /** Notes a block of a frame that starts at `frameAt`; answers whether the partition is new to this segment. */
  add(block: FrameBlock, frameAt: number): boolean {
    const key = partKey(block.topicId, block.partition);
    let part = this.parts.get(key);
    const isNew = part === undefined;
    if (part === undefined) this.parts.set(key, (part = emptyPart(block)));
    part.last = block.last;
    part.records += block.records;
    part.bytes += block.length;
    part.maxTimestampMs = Math.max(part.maxTimestampMs, block.maxTimestampMs);
    part.table?.add({ ...block, position: frameAt + block.position });
    return isNew;
  }

  table(part: SegmentPart): BatchTable | Promise<BatchTable> {
    return part.table ?? this.#loadTable(this, part);
  }

  /** Reads `length` bytes; rejects with MR_LOG_CORRUPT where the file is shorter. */
  async read(position: number, length: number): Promise<Buffer> {
    this.#readers++;
    try {
      this.#fd ??= openSync(segmentPath(this.dir, this.id), 'r');
      const buffer = Buffer.allocUnsafeSlow(length);
      const { bytesRead } = await readAt(this.#fd, buffer, 0, length, position);
      if (bytesRead === length) return buffer;
      throw this.corrupt('a segment of the log is shorter than its index says', position);
    } finally {
      this.#readers--;
      if (this.#dropped) await this.#release();
    }
  }

  /** Opens the file while its name still leads to it, since a rewriting replaces the file under that name. */
  hold(): void {
    this.#fd ??= openSync(segmentPath(this.dir, this.id), 'r');
  }

  corrupt(message: string, position: number): MillraceError {
    return corruptFile(segmentPath(this.dir, this.id), position, message);
  }

  /** Closes the file when the last reader is done. */
  async drop(): Promise<void> {
    this.#dropped = true;
    await this.#release();
  }

  async #release(): Promise<void> {
    if (this.#readers > 0 || this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    await closeFile(fd);
  }

  /** Closes what reading opened, without waiting; the file may be opened again. */
  closeSync(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** MR_LOG_CORRUPT with the place in its message. */
export function corruptFile(file: string, position: number, message: string): MillraceError {
  return new MillraceError('MR_LOG_CORRUPT', `${message}: ${file}, byte ${position}`, {
    context: { file, position },
  });
}

/** Reads what a segment says of itself; rejects with MR_LOG_CORRUPT where that is damaged. */
export function readIdentity(path: string): SegmentIdentity {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  const identity = parseSegmentHeader(header, path);
  if (identity === undefined) throw corruptFile(path, 0, 'a segment of the log has no valid header');
  return identity;
}

/** Removes a segment and its index; a file that is gone already is no fault. */
export function removeSegmentFiles(dir: string, id: number): void {
  for (const path of [segmentPath(dir, id), indexPath(dir, id)]) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

/** Partition numbers stay far below 2^20, so that one number names a partition. */
export function partKey(topicId: number, partition: number): number {
  return topicId * 2 ** 20 + partition;
}

function emptyPart(block: FrameBlock): SegmentPart {
  return {
    topicId: block.topicId,
    partition: block.partition,
    first: block.base,
    last: block.last,
    records: 0,
    bytes: 0,
    maxTimestampMs: -Infinity,
    table: new BatchTable(),
    stored: undefined,
  };
}
