/**
 * Reads the record batches of a fetch response (Kafka message format v2, kafka.apache.org/documentation/#recordbatch)
 * as views into the response: keys and values share its memory, so whoever keeps one for long copies it. Control
 * batches and aborted transactions are left out, as the Java consumer does it (KIP-98, "Read committed").
 */
import { gunzipSync } from 'node:zlib';
import { MillraceError } from '../../../errors.ts';
import type { LogRecord } from '../../port.ts';
import { crc32c } from './crc32c.ts';
import { RecordCursor } from './record-cursor.ts';
import { malformed } from './wire.ts';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface RecordSet {
  readonly bytes: Buffer;
  /** The offset that was asked for: a batch may begin before it. */
  readonly fromOffset: number;
  readonly aborted: readonly AbortedTransaction[];
}

/** Bytes before the first record of a batch. */
export const BATCH_HEADER_BYTES = 61;
/** Bytes before the part that the batch length counts. */
const LENGTH_PREFIX_BYTES = 12;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

interface BatchHeader {
  readonly at: number;
  readonly end: number;
  readonly attributes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: number;
  readonly recordCount: number;
}

/** One response's records of one partition, decoded as they are asked for. */
export class RecordBatchReader {
  readonly #bytes: Buffer;
  readonly #fromOffset: number;
  readonly #aborted: readonly AbortedTransaction[];
  readonly #abortedProducers = new Set<number>();
  #abortedSeen = 0;
  #batchAt = 0;
  #cursor: RecordCursor | null = null;
  #cursorEnd = 0;
  #nextOffset: number;

  constructor(set: RecordSet) {
    this.#bytes = set.bytes;
    this.#fromOffset = set.fromOffset;
    this.#nextOffset = set.fromOffset;
    this.#aborted = set.aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Where reading goes on after the records that `read` has given. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** True when no visible record is left. */
  get done(): boolean {
    return this.#cursor === null && !this.#openNext();
  }

  /** Up to `maxRecords` records in offset order; invisible batches after the last one are passed over. */
  read(maxRecords: number): LogRecord[] {
    const records: LogRecord[] = [];
    while (this.#cursor !== null || this.#openNext()) {
      const cursor = this.#cursor;
      if (cursor === null || records.length >= maxRecords) break;
      cursor.readInto(records, maxRecords, this.#fromOffset);
      if (cursor.left > 0) {
        const last = records.at(-1);
        if (last !== undefined) this.#nextOffset = last.offset + 1;
        break;
      }
      this.#cursor = null;
      this.#nextOffset = this.#cursorEnd;
    }
    return records;
  }

  /** Moves to the next batch with visible records. */
  #openNext(): boolean {
    for (let header = this.#header(); header !== null; header = this.#header()) {
      this.#batchAt = header.end;
      const visible = header.lastOffset >= this.#fromOffset && this.#isVisible(header);
      if (visible && header.recordCount > 0) {
        this.#cursor = this.#cursorOf(header);
        this.#cursorEnd = header.lastOffset + 1;
        return true;
      }
      this.#nextOffset = Math.max(this.#nextOffset, header.lastOffset + 1);
    }
    return false;
  }

  #isVisible(header: BatchHeader): boolean {
    for (
      let next = this.#aborted[this.#abortedSeen];
      next !== undefined && next.firstOffset <= header.lastOffset;
      next = this.#aborted[++this.#abortedSeen]
    ) {
      this.#abortedProducers.add(next.producerId);
    }
    if ((header.attributes & CONTROL) !== 0) {
      if (header.recordCount > 0 && isAbortMarker(this.#cursorOf(header)))
        this.#abortedProducers.delete(header.producerId);
      return false;
    }
    return (header.attributes & TRANSACTIONAL) === 0 || !this.#abortedProducers.has(header.producerId);
  }

  /** Header of the batch at the cursor; null at the end, where the broker may have cut a batch off. */
  #header(): BatchHeader | null {
    return readHeader(this.#bytes, this.#batchAt);
  }

  #cursorOf(header: BatchHeader): RecordCursor {
    const bytes = this.#bytes;
    const crc = bytes.readUInt32BE(header.at + 17);
    if (crc32c(bytes, header.at + 21, header.end) !== crc)
      throw malformed('a record batch fails its checksum');
    const packed = bytes.subarray(header.at + BATCH_HEADER_BYTES, header.end);
    return new RecordCursor({
      bytes: unpack(packed, header.attributes & CODEC_MASK),
      count: header.recordCount,
      baseOffset: header.baseOffset,
      baseTimestampMs: Number(bytes.readBigInt64BE(header.at + 27)),
      appendTimestampMs:
        (header.attributes & LOG_APPEND_TIME) === 0 ? null : Number(bytes.readBigInt64BE(header.at + 35)),
    });
  }
}

/** The offset after the last complete batch, without decoding one; `fallback` where there is none. */
export function offsetAfter(bytes: Buffer, fallback: number): number {
  let offset = fallback;
  for (let header = readHeader(bytes, 0); header !== null; header = readHeader(bytes, header.end)) {
    offset = Math.max(offset, header.lastOffset + 1);
  }
  return offset;
}

function readHeader(bytes: Buffer, at: number): BatchHeader | null {
  if (bytes.length - at < BATCH_HEADER_BYTES) return null;
  const length = bytes.readInt32BE(at + 8);
  if (length < BATCH_HEADER_BYTES - LENGTH_PREFIX_BYTES) throw malformed('a record batch is too short');
  const magic = bytes.readInt8(at + 16);
  if (magic !== 2) throw malformed(`a record batch of format ${magic}, from before Kafka 0.11`);
  const end = at + LENGTH_PREFIX_BYTES + length;
  if (end > bytes.length) return null;
  const baseOffset = Number(bytes.readBigInt64BE(at));
  return {
    at,
    end,
    attributes: bytes.readInt16BE(at + 21),
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(at + 23),
    producerId: Number(bytes.readBigInt64BE(at + 43)),
    recordCount: bytes.readInt32BE(at + 57),
  };
}

/** A control record's key is INT16 version, INT16 type; type 0 aborts, 1 commits. */
function isAbortMarker(cursor: RecordCursor): boolean {
  const records: LogRecord[] = [];
  cursor.readInto(records, 1, 0);
  const key = records[0]?.key;
  return key !== null && key !== undefined && key.length >= 4 && key.readInt16BE(2) === 0;
}

function unpack(packed: Buffer, codec: number): Buffer {
  if (codec === 0) return packed;
  if (codec === 1) return gunzipSync(packed);
  const name = CODECS[codec] ?? String(codec);
  throw new MillraceError(
    'MR_KAFKA_FAILED',
    `cannot read records compressed with ${name}: use gzip or none`,
    {
      context: { codec: name },
    },
  );
}
