import type { LogRecord } from '../../port.ts';
import { malformed } from './wire.ts';

export interface RecordCursorOptions {
  /** The records of one batch, unpacked. */
  readonly bytes: Buffer;
  readonly count: number;
  readonly baseOffset: number;
  readonly baseTimestampMs: number;
  /** Set where the topic stamps records itself (message.timestamp.type=LogAppendTime). */
  readonly appendTimestampMs: number | null;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Decodes the records of one batch (kafka.apache.org/documentation/#record): varint length, attributes, timestamp and
 * offset deltas, key, value, headers. The hot loop of the consumer: no allocation but the record and its views.
 */
export class RecordCursor {
  /** Records not read yet. */
  left: number;
  readonly #options: RecordCursorOptions;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(options: RecordCursorOptions) {
    this.#options = options;
    this.#bytes = options.bytes;
    this.left = options.count;
  }

  /** Appends records until `out` has `max`; those before `fromOffset` are passed over. */
  readInto(out: LogRecord[], max: number, fromOffset: number): void {
    const { baseOffset, baseTimestampMs, appendTimestampMs } = this.#options;
    while (this.left > 0 && out.length < max) {
      this.left--;
      const length = this.#varint();
      const end = this.#at + length;
      if (length < 0 || end > this.#bytes.length) throw malformed('a record reaches beyond its batch');
      this.#at++; // attributes: unused in format v2
      const timestampDelta = this.#varlong();
      const offset = baseOffset + this.#varint();
      if (offset < fromOffset) {
        this.#at = end;
        continue;
      }
      const key = this.#view();
      const value = this.#view();
      const headerCount = this.#varint();
      const headers = headerCount > 0 ? this.#headers(headerCount) : NO_HEADERS;
      if (this.#at !== end) throw malformed('a record is not as long as it says');
      out.push({
        offset,
        timestampMs: appendTimestampMs ?? baseTimestampMs + timestampDelta,
        key,
        value,
        headers,
      });
    }
  }

  #headers(count: number): Readonly<Record<string, string>> {
    // Without a prototype, so that a header named __proto__ is one like any other.
    const headers = Object.create(null) as Record<string, string>;
    for (let i = 0; i < count; i++) {
      const name = this.#view()?.toString('utf8') ?? '';
      headers[name] = this.#view()?.toString('utf8') ?? '';
    }
    return headers;
  }

  #view(): Buffer | null {
    const length = this.#varint();
    if (length < 0) return null;
    const at = this.#at;
    this.#at = at + length;
    return this.#bytes.subarray(at, at + length);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed('a record ends too early');
    return byte;
  }

  /** Zig-zag varint of up to 32 bits. */
  #varint(): number {
    let byte = this.#byte();
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    let shift = 7;
    do {
      byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80 && shift < 35);
    return (value >>> 1) ^ -(value & 1);
  }

  /** Zig-zag varint of up to 64 bits: the timestamp delta. */
  #varlong(): number {
    const first = this.#byte();
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let low = first & 0x7f;
    let shift = 7;
    for (let byte = 0x80; byte >= 0x80 && shift < 28; shift += 7) {
      byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let value = BigInt(low);
    for (let byte = 0x80; byte >= 0x80 && shift < 70; shift += 7) {
      byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(shift);
    }
    return Number((value >> 1n) ^ -(value & 1n));
  }
}
