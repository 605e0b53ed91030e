import { crc32 } from 'node:zlib';
import type { BatchEntry } from './batch-table.ts';
import type { Block } from './block-builder.ts';
import type { MetaOperation } from './meta-operation.ts';

/**
 * A frame is what one group commit writes: all of it is in the log, or none. Little-endian:
 * header  magic u32 | nonce of the segment u32 | number in the segment u32 | head bytes u32 | payload bytes u32 |
 *         CRC of the header u32 | CRC of the head u32
 * head    block count u32 | blocks (topic id, partition u32; base, last, max timestamp f64; records, bytes, CRC u32) | operations (JSON)
 * payload the blocks' records, one after the other
 * Header, head and each block have sums of their own: a frame that is too short is told from one with wrong bytes, damage
 * in a block leaves known what was lost, and a cold read can check one block alone.
 */
export const FRAME_HEADER_BYTES = 28;
const MAGIC = 0x4d52464d;
const HEADER_CRC_AT = 20;
const HEAD_CRC_AT = 24;
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
  head.writeUInt32LE(crc32(head.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
  head.writeUInt32LE(crc32(head.subarray(FRAME_HEADER_BYTES)), HEAD_CRC_AT);
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

/** What lies at a position of a segment. */
export type FrameFinding =
  | { readonly kind: 'whole'; readonly frame: ParsedFrame }
  /** The head says what was there, but the sums of these blocks are wrong. */
  | { readonly kind: 'bad-blocks'; readonly frame: ParsedFrame; readonly bad: readonly FrameBlock[] }
  /** The header is right, the head is not. */
  | { readonly kind: 'bad-head'; readonly number: number; readonly end: number }
  /** The header is right, and the file ends before the frame does: a write that did not come to its end. */
  | { readonly kind: 'short' }
  | { readonly kind: 'no-frame' };

/** Looks at the place `at` for a frame of the segment with this nonce, and checks every sum. */
export function inspectFrame(segment: Buffer, at: number, nonce: number): FrameFinding {
  const header = readHeader(segment, at, nonce);
  if (header === undefined) return { kind: 'no-frame' };
  const { number, headAt, payloadAt, end } = header;
  if (end > segment.length) return { kind: 'short' };
  const head = segment.subarray(headAt, payloadAt);
  if (crc32(head) !== segment.readUInt32LE(at + HEAD_CRC_AT)) return { kind: 'bad-head', number, end };
  const blocks = readBlocks(segment, headAt, payloadAt);
  const jsonAt = headAt + 4 + blocks.length * BLOCK_BYTES;
  const operations =
    jsonAt === payloadAt ? [] : (JSON.parse(segment.toString('utf8', jsonAt, payloadAt)) as MetaOperation[]);
  const frame = { number, blocks, operations, end };
  const bad = blocks.filter((block) => !isIntact(segment, block));
  return bad.length === 0 ? { kind: 'whole', frame } : { kind: 'bad-blocks', frame, bad };
}

interface FrameHeader {
  readonly number: number;
  readonly headAt: number;
  readonly payloadAt: number;
  readonly end: number;
}

function readHeader(segment: Buffer, at: number, nonce: number): FrameHeader | undefined {
  const headAt = at + FRAME_HEADER_BYTES;
  if (headAt > segment.length) return undefined;
  if (segment.readUInt32LE(at) !== MAGIC || segment.readUInt32LE(at + 4) !== nonce) return undefined;
  if (crc32(segment.subarray(at, at + HEADER_CRC_AT)) !== segment.readUInt32LE(at + HEADER_CRC_AT))
    return undefined;
  const payloadAt = headAt + segment.readUInt32LE(at + 12);
  return {
    number: segment.readUInt32LE(at + 8),
    headAt,
    payloadAt,
    end: payloadAt + segment.readUInt32LE(at + 16),
  };
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

/** Where the next frame of the segment with at least this number begins after `from`; undefined where there is none. */
export function findFrame(
  segment: Buffer,
  from: number,
  frame: { readonly nonce: number; readonly expected: number },
): number | undefined {
  for (let at = segment.indexOf(magicBytes, from); at >= 0; at = segment.indexOf(magicBytes, at + 1)) {
    const header = readHeader(segment, at, frame.nonce);
    if (header !== undefined && header.number >= frame.expected) return at;
  }
  return undefined;
}

const magicBytes = Buffer.alloc(4);
magicBytes.writeUInt32LE(MAGIC);
