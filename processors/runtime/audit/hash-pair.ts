import type { UuidWords } from '../task/event-id-set.ts';

/**
 * Two independent 32-bit hashes of the same bytes that ClickHouse computes too: `murmurHash3_32` (A. Appleby,
 * MurmurHash3_x86_32, seed 0) and `xxHash32` (Y. Collet, xxHash specification 0.1.1, XXH32, seed 0). Words are read as
 * little-endian, as on every machine that Node runs on.
 */
export interface HashPair {
  a: number;
  b: number;
}

const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** Grows to the longest that was hashed; not of the pool, so that words are aligned. */
let bytes = Buffer.from(new ArrayBuffer(16 * 1024));
let words = new Uint32Array(bytes.buffer);
/** Behind key and value: their lengths and the timestamp. */
const RECORD_TAIL_BYTES = 16;
const MAX_DIGITS = 17;
const TWO_31 = 2 ** 31;

/**
 * Hashes an id as ClickHouse does `reinterpretAsFixedString(id)`: two 64-bit halves, each from its low word on. Written
 * out, since this runs for each record.
 */
export function hashUuid(id: UuidWords, into: HashPair): void {
  const w0 = id[1] ?? 0;
  const w1 = id[0] ?? 0;
  const w2 = id[3] ?? 0;
  const w3 = id[2] ?? 0;
  const h = murmurStep(murmurStep(murmurStep(murmurStep(0, w0), w1), w2), w3);
  into.a = murmurEnd(h ^ 16);
  const sum =
    rotate(xxStep((P1 + P2) | 0, w0), 1) +
    rotate(xxStep(P2 | 0, w1), 7) +
    rotate(xxStep(0, w2), 12) +
    rotate(xxStep(-P1 | 0, w3), 18);
  into.b = xxEnd((sum + 16) | 0);
}

/** Hashes the UTF-8 bytes of a text. */
export function hashText(text: string, into: HashPair): void {
  hashScratch(writeText(text, 0), into);
}

/** Hashes a text that is given in parts; one at a time. */
export class TextHasher {
  #length = 0;

  add(part: string): void {
    this.#length = writeText(part, this.#length);
  }

  /** The digits of a safe integer, as its text has them. */
  addInteger(value: number): void {
    this.#length = writeInteger(value, this.#length);
  }

  /** One byte: a character below 128. */
  addByte(byte: number): void {
    reserve(this.#length + 1);
    bytes[this.#length++] = byte;
  }

  /** The hash of what was added since the last call. */
  end(into: HashPair): void {
    hashScratch(this.#length, into);
    this.#length = 0;
  }
}

/** Hashes a record of a topic: value, key and timestamp. */
export function hashRecord(
  record: {
    readonly key: Buffer | string | null;
    readonly value: Buffer | null;
    readonly timestampMs: number;
  },
  into: HashPair,
): void {
  const { key, value, timestampMs } = record;
  const keyBytes = typeof key === 'string' ? Buffer.byteLength(key) : (key?.length ?? 0);
  reserve((value?.length ?? 0) + keyBytes + RECORD_TAIL_BYTES);
  let at = value === null ? 0 : value.copy(bytes);
  if (typeof key === 'string') bytes.write(key, at);
  else if (key !== null) key.copy(bytes, at);
  at = bytes.writeInt32LE(value === null ? -1 : value.length, at + keyBytes);
  at = bytes.writeInt32LE(key === null ? -1 : keyBytes, at);
  hashScratch(bytes.writeDoubleLE(timestampMs, at), into);
}

function writeText(text: string, start: number): number {
  const { length } = text;
  reserve(start + length * 3);
  // A loop over a short text is several times as fast as a call out of JavaScript.
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code > 127) return start + bytes.write(text, start);
    bytes[start + at] = code;
  }
  return start + length;
}

function writeInteger(value: number, start: number): number {
  reserve(start + MAX_DIGITS);
  let rest = Math.abs(value);
  let at = start;
  if (value < 0) bytes[at++] = 45; // -
  let digits = 1;
  for (let power = 10; power <= rest; power *= 10) digits += 1;
  const end = at + digits;
  // Divisions of integers that fit into 32 bits are several times as fast.
  for (at = end - 1; rest >= TWO_31; at--) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
  for (let small = rest | 0; at >= end - digits; at--) {
    const tenth = (small / 10) | 0;
    bytes[at] = 48 + (small - tenth * 10);
    small = tenth;
  }
  return end;
}

/** Makes room; what was written stays. */
function reserve(length: number): void {
  if (length <= bytes.length) return;
  const larger = Buffer.from(new ArrayBuffer(2 ** Math.ceil(Math.log2(length))));
  bytes.copy(larger);
  bytes = larger;
  words = new Uint32Array(bytes.buffer);
}

function hashScratch(length: number, into: HashPair): void {
  into.a = murmur3(length);
  into.b = xxHash32(length);
}

function murmur3(length: number): number {
  const whole = length >>> 2;
  let h = 0;
  for (let at = 0; at < whole; at++) {
    h = murmurStep(h, words[at] ?? 0);
  }
  let tail = 0;
  for (let at = length - 1; at >= whole * 4; at--) tail = (tail << 8) | (bytes[at] ?? 0);
  if ((length & 3) !== 0) h ^= Math.imul(rotate(Math.imul(tail, C1), 15), C2);
  return murmurEnd(h ^ length);
}

function murmurStep(h: number, word: number): number {
  const k = Math.imul(rotate(Math.imul(word, C1), 15), C2);
  return (Math.imul(rotate(h ^ k, 13), 5) + 0xe6546b64) | 0;
}

function murmurEnd(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function xxHash32(length: number): number {
  let at = 0;
  let h = P5;
  if (length >= 16) {
    let v1 = (P1 + P2) | 0;
    let v2 = P2 | 0;
    let v3 = 0;
    let v4 = -P1 | 0;
    for (const end = (length >>> 4) * 4; at < end; at += 4) {
      v1 = xxStep(v1, words[at] ?? 0);
      v2 = xxStep(v2, words[at + 1] ?? 0);
      v3 = xxStep(v3, words[at + 2] ?? 0);
      v4 = xxStep(v4, words[at + 3] ?? 0);
    }
    h = rotate(v1, 1) + rotate(v2, 7) + rotate(v3, 12) + rotate(v4, 18);
  }
  h = (h + length) | 0;
  for (; at < length >>> 2; at++) h = Math.imul(rotate((h + Math.imul(words[at] ?? 0, P3)) | 0, 17), P4);
  for (let byte = at * 4; byte < length; byte++)
    h = Math.imul(rotate((h + Math.imul(bytes[byte] ?? 0, P5)) | 0, 11), P1);
  return xxEnd(h);
}

function xxStep(v: number, word: number): number {
  return Math.imul(rotate((v + Math.imul(word, P2)) | 0, 13), P1);
}

function xxEnd(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 15), P2);
  h = Math.imul(h ^ (h >>> 13), P3);
  return (h ^ (h >>> 16)) >>> 0;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
