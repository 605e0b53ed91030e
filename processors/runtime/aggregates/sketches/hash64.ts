import type { Item } from '../item.ts';

/** A 64-bit hash as two unsigned words. */
export type Hash64 = Uint32Array<ArrayBuffer>;

/** A place for one hash: the high word, then the low one. */
export function emptyHash(): Hash64 {
  return new Uint32Array(2);
}

const BLOCK_BYTES = 16;
/** Not 0, with which the empty text would hash to 0. */
const TEXT_SEED = 0x51ed270b;
/** Another one, so that numbers are apart from texts. */
const NUMBER_SEED = 0x9e3779b9;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** Up to this many UTF-16 units a loop over them is faster than a call of the encoder. */
const LOOP_UNITS = 24;
/** Longer texts get bytes of their own. A unit takes at most three; the last block is read as a whole. */
const SCRATCH_UNITS = 1024;
const scratch = bytesFor(SCRATCH_UNITS);
const encoder = new TextEncoder();

/**
 * Hashes text by its UTF-8 bytes, and numbers by the 8 bytes of their double, little-endian: the first 64 bits of
 * MurmurHash3_x86_128 (A. Appleby, 2011), which needs 32-bit arithmetic only, with a seed for each of the two types.
 * Stored sketches depend on it: another hash is another layout. Not for input chosen by an attacker who knows it.
 */
export function hashItem(item: Item, into: Hash64): void {
  if (typeof item === 'number') {
    scratch.setFloat64(0, item, true);
    murmur128(scratch, 8, NUMBER_SEED, into);
    return;
  }
  const view = item.length <= SCRATCH_UNITS ? scratch : bytesFor(item.length);
  murmur128(view, writeUtf8(item, view), TEXT_SEED, into);
}

function bytesFor(units: number): DataView<ArrayBuffer> {
  return new DataView(new ArrayBuffer(3 * units + BLOCK_BYTES));
}

/** Puts the text into the bytes; returns their number. */
function writeUtf8(text: string, view: DataView<ArrayBuffer>): number {
  const { length } = text;
  if (length <= LOOP_UNITS) {
    let at = 0;
    for (; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) break;
      view.setUint8(at, unit);
    }
    if (at === length) return length;
  }
  return encoder.encodeInto(text, new Uint8Array(view.buffer)).written;
}

function murmur128(view: DataView, length: number, seed: number, into: Hash64): void {
  // With zeros behind the end the tail is read like a block: words of zero change nothing.
  for (let at = length; at < length + BLOCK_BYTES; at++) view.setUint8(at, 0);
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  for (let at = 0; ; at += BLOCK_BYTES) {
    const k1 = scramble(view.getInt32(at, true), C1, 15, C2);
    const k2 = scramble(view.getInt32(at + 4, true), C2, 16, C3);
    const k3 = scramble(view.getInt32(at + 8, true), C3, 17, C4);
    const k4 = scramble(view.getInt32(at + 12, true), C4, 18, C1);
    if (at + BLOCK_BYTES > length) {
      h1 ^= k1 ^ length;
      h2 ^= k2 ^ length;
      h3 ^= k3 ^ length;
      h4 ^= k4 ^ length;
      break;
    }
    h1 = (Math.imul(rotate(h1 ^ k1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotate(h2 ^ k2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotate(h3 ^ k3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotate(h4 ^ k4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  h1 = (h1 + h2 + h3 + h4) | 0;
  const m1 = finish(h1);
  const m2 = finish(h2 + h1);
  const first = (m1 + m2 + finish(h3 + h1) + finish(h4 + h1)) | 0;
  into[0] = first;
  into[1] = m2 + first;
}

/** Mixes the bits of a word before they enter the state. */
function scramble(word: number, before: number, turn: number, after: number): number {
  return Math.imul(rotate(Math.imul(word, before), turn), after);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Lets every bit of a word reach every other. */
function finish(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
