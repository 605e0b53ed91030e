import { crc32 } from 'node:zlib';
import type { BatchEntry } from './batch-table.ts';
import type { Block } from './block-builder.ts';
import type { MetaOperation } from './meta-operation.ts';

/**
 * A frame is what one group commit writes: all of it is in the log, or none. Little-endian:
 * header  magic u32 | nonce of the segment u32 | number in the segment u32 | head bytes u32 | payload bytes u32 | CRC u32
 * head    block count u32 | blocks (topic id, partition u32; base, last, max timestamp f64; records, bytes, CRC u32) | operations (JSON)
 * payload the blocks' records, one after the other
 * The header's CRC covers header and head, a block's CRC its payload: each byte is summed once, and a cold read can
 * check one block alone.
 */
export const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x4d52464d;
const CRC_AT = 20;
const BLOCK_BYTES = 44;

export interface FrameIdentity {
  readonly nonce: number;
  /** Counts from 0 in each segment. */
  readonly number: number;
}

export interface FrameBlock extends BatchEntry {
  readonly topicId: number;
  readonly partition: number;
}

/** Header and head of a frame, and the checked sums of its blocks. */
export interface EncodedFrame {
  readonly head: Buffer;
  /** Entries with positions relative to the start of the frame. */
  readonly blocks: readonly FrameBlock[];
  readonly bytes: number;
}

export function encodeFrame(
  identity: FrameIdentity,
  blocks: readonly Block[],
  operations: readonly MetaOperation[],
): EncodedFrame {
  const json = operations.length === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(operations), 'utf8');
  const headBytes = 4 + blocks.length * BLOCK_BYTES + json.length;
  const head = Buffer.allocUnsafe(FRAME_HEADER_BYTES + headBytes);
  const entries: FrameBlock[] = [];
  let position = head.length;
  let at = FRAME_HEADER_BYTES;
  at = head.writeUInt32LE(blocks.length, at);
  for (const block of blocks) {
    const entry = { ...block, position, length: block.payload.length, crc: crc32(block.payload) };
    at = writeBlock(head, entry, at);
    entries.push(entry);
    position += entry.length;
  }
  json.copy(head, at);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(identity.nonce, 4);
  head.writeUInt32LE(identity.number, 8);
  head.writeUInt32LE(headBytes, 12);
  head.writeUInt32LE(position - head.length, 16);
  head.writeUInt32LE(headCrc(head, 0, headBytes), CRC_AT);
  return { head, blocks: entries, bytes: position };
}

function writeBlock(head: Buffer, block: FrameBlock, from: number): number {
  let at = head.writeUInt32LE(block.topicId, from);
  at = head.writeUInt32LE(block.partition, at);
  at = head.writeDoubleLE(block.base, at);
  at = head.writeDoubleLE(block.last, at);
  at = head.writeDoubleLE(block.maxTimestampMs, at);
  at = head.writeUInt32LE(block.records, at);
  at = head.writeUInt32LE(block.length, at);
  return head.writeUInt32LE(block.crc, at);
}

/** A frame found in a segment. */
export interface ParsedFrame {
  readonly number: number;
  readonly blocks: readonly FrameBlock[];
  readonly operations: readonly MetaOperation[];
  /** Position after the frame. */
  readonly end: number;
}

/**
 * The frame that starts at `at`, or undefined where no whole frame of this segment lies there. `checkPayload` false
 * looks at header and head only.
 */
export function parseFrame(
  segment: Buffer,
  at: number,
  nonce: number,
  checkPayload = true,
): ParsedFrame | undefined {
  if (at + FRAME_HEADER_BYTES + 4 > segment.length) return undefined;
  if (segment.readUInt32LE(at) !== MAGIC || segment.readUInt32LE(at + 4) !== nonce) return undefined;
  const headBytes = segment.readUInt32LE(at + 12);
  const payloadAt = at + FRAME_HEADER_BYTES + headBytes;
  const end = payloadAt + segment.readUInt32LE(at + 16);
  if (end > segment.length || headCrc(segment, at, headBytes) !== segment.readUInt32LE(at + CRC_AT))
    return undefined;
  const blocks = readBlocks(segment, at + FRAME_HEADER_BYTES, payloadAt);
  if (checkPayload && !blocks.every((block) => isIntact(segment, block))) return undefined;
  const jsonAt = at + FRAME_HEADER_BYTES + 4 + blocks.length * BLOCK_BYTES;
  const operations =
    jsonAt === payloadAt ? [] : (JSON.parse(segment.toString('utf8', jsonAt, payloadAt)) as MetaOperation[]);
  return { number: segment.readUInt32LE(at + 8), blocks, operations, end };
}

function readBlocks(segment: Buffer, headAt: number, payloadAt: number): FrameBlock[] {
  const blocks: FrameBlock[] = [];
  const count = segment.readUInt32LE(headAt);
  let position = payloadAt;
  for (let i = 0, at = headAt + 4; i < count; i++, at += BLOCK_BYTES) {
    const length = segment.readUInt32LE(at + 36);
    blocks.push({
      topicId: segment.readUInt32LE(at),
      partition: segment.readUInt32LE(at + 4),
      base: segment.readDoubleLE(at + 8),
      last: segment.readDoubleLE(at + 16),
      maxTimestampMs: segment.readDoubleLE(at + 24),
      records: segment.readUInt32LE(at + 32),
      position,
      length,
      crc: segment.readUInt32LE(at + 40),
    });
    position += length;
  }
  return blocks;
}

function isIntact(segment: Buffer, block: FrameBlock): boolean {
  return crc32(segment.subarray(block.position, block.position + block.length)) === block.crc;
}

function headCrc(bytes: Buffer, at: number, headBytes: number): number {
  const fields = crc32(bytes.subarray(at, at + CRC_AT));
  const from = at + FRAME_HEADER_BYTES;
  return crc32(bytes.subarray(from, from + headBytes), fields);
}

/** Position of the next place after `from` where the magic of a frame stands; -1 where there is none. */
export function nextMagic(segment: Buffer, from: number): number {
  return segment.indexOf(magicBytes, from);
}

const magicBytes = Buffer.alloc(4);
magicBytes.writeUInt32LE(MAGIC);
