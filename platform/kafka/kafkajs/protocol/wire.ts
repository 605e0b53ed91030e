/**
 * Big-endian primitives of the Kafka protocol (kafka.apache.org/protocol, "Protocol Primitive Types"). Reads are views:
 * no byte is copied. 64-bit integers are JavaScript numbers: offsets, timestamps and producer ids are safe integers.
 */
import { MillraceError } from '../../../errors.ts';

const TWO_32 = 2 ** 32;

/** Thrown on bytes that end too early or carry an impossible length. */
export function malformed(what: string): MillraceError {
  return new MillraceError('MR_KAFKA_FAILED', `malformed bytes from a Kafka broker: ${what}`);
}

/** Reads a response from start to end. */
export class ByteReader {
  readonly buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  int8(): number {
    return this.buffer.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#advance(4));
  }

  int64(): number {
    const at = this.#advance(8);
    return this.buffer.readInt32BE(at) * TWO_32 + this.buffer.readUInt32BE(at + 4);
  }

  bytes(length: number): Buffer {
    const at = this.#advance(length);
    return this.buffer.subarray(at, at + length);
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.bytes(length).toString('utf8');
  }

  string(): string {
    return this.nullableString() ?? '';
  }

  /** BYTES with an INT32 length; null where the length is -1. */
  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.bytes(length);
  }

  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read);
  }

  /** Unsigned varint of the flexible versions (KIP-482). */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.#advance(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed('a varint of more than five bytes');
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.bytes(length).toString('utf8');
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.uvarint() - 1, read);
  }

  /** The tagged fields of a flexible structure, by number. */
  tags(): ReadonlyMap<number, Buffer> {
    const fields = new Map<number, Buffer>();
    for (let left = this.uvarint(); left > 0; left--) {
      const tag = this.uvarint();
      fields.set(tag, this.bytes(this.uvarint()));
    }
    return fields;
  }

  /** Skips the tagged fields of a flexible structure. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.bytes(this.uvarint());
    }
  }

  #items<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  #advance(length: number): number {
    const at = this.position;
    if (length < 0 || at + length > this.buffer.length) throw malformed('a field reaches beyond the end');
    this.position = at + length;
    return at;
  }
}

/** Builds a request; grows by doubling. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far, as a view. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  int8(value: number): this {
    const at = this.reserve(1); // first: it may put another buffer in the place of this one
    this.#buffer.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.reserve(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.reserve(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  int64(value: number): this {
    const at = this.reserve(8);
    this.#buffer.writeInt32BE(Math.floor(value / TWO_32), at);
    this.#buffer.writeUInt32BE(value - Math.floor(value / TWO_32) * TWO_32, at + 4);
    return this;
  }

  raw(bytes: Buffer): this {
    const at = this.reserve(bytes.length);
    bytes.copy(this.#buffer, at);
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    return this.utf8(value, length);
  }

  bytes(value: Buffer): this {
    return this.int32(value.length).raw(value);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#byte((rest & 0x7f) | 0x80);
    return this.#byte(rest);
  }

  /** Zig-zag varint of up to 53 bits, as record fields use it. */
  varint(value: number): this {
    if (value >= -0x40000000 && value < 0x40000000) {
      let rest = ((value << 1) ^ (value >> 31)) >>> 0;
      for (; rest > 0x7f; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
      return this.#byte(rest);
    }
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    return this.#byte(Number(rest));
  }

  compactString(value: string): this {
    const length = Buffer.byteLength(value);
    return this.uvarint(length + 1).utf8(value, length);
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** Empty tagged fields. */
  noTags(): this {
    return this.#byte(0);
  }

  /** UTF-8 text whose byte length was written before. */
  utf8(value: string, byteLength: number): this {
    const at = this.reserve(byteLength);
    this.#buffer.write(value, at, byteLength, 'utf8');
    return this;
  }

  /** Leaves room for `length` bytes; answers where it begins. */
  reserve(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length = needed;
    return at;
  }

  #byte(value: number): this {
    const at = this.reserve(1);
    this.#buffer[at] = value;
    return this;
  }
}

/** Length in bytes of {@link ByteWriter.varint}. */
export function varintLength(value: number): number {
  if (value < -0x40000000 || value >= 0x40000000) {
    let bytes = 1;
    for (
      let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
      rest > 0x7fn;
      rest >>= 7n
    )
      bytes++;
    return bytes;
  }
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}
