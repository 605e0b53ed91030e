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

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);
let view = new DataView(scratch.buffer);

/**
 * Hashes text by its UTF-8 bytes, and numbers by the 8 bytes of their double, little-endian: the first 64 bits of
 * MurmurHash3_x86_128 (A. Appleby, 2011), which needs 32-bit arithmetic only, with a seed for each of the two types.
 * Stored sketches depend on it: another hash is another layout. Not for input chosen by an attacker who knows it.
 */
export function hashItem(item: Item, into: Hash64): void {
  if (typeof item === 'string') {
    murmur128(writeUtf8(item), TEXT_SEED, into);
  } else {
    view.setFloat64(0, item, true);
    murmur128(8, NUMBER_SEED, into);
  }
}

/** Puts the text into the scratch bytes; returns their number. */
function writeUtf8(text: string): number {
  const { length } = text;
  // A UTF-16 unit takes at most three bytes; the last block is read as a whole.
  if (3 * length + BLOCK_BYTES > scratch.length) {
    scratch = new Uint8Array(2 * (3 * length + BLOCK_BYTES));
    view = new DataView(scratch.buffer);
  }
  for (let at = 0; at < length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return encoder.encodeInto(text, scratch).written;
    scratch[at] = unit;
  }
  return length;
}

function murmur128(length: number, seed: number, into: Hash64): void {
  // With zeros behind the end the tail is mixed like a block: words of zero change nothing.
  scratch.fill(0, length, length + BLOCK_BYTES);
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  let at = 0;
  for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) {
    h1 = (Math.imul(rotate(h1 ^ scramble(at, C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotate(h2 ^ scramble(at + 4, C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotate(h3 ^ scramble(at + 8, C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotate(h4 ^ scramble(at + 12, C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= scramble(at, C1, 15, C2) ^ length;
  h2 ^= scramble(at + 4, C2, 16, C3) ^ length;
  h3 ^= scramble(at + 8, C3, 17, C4) ^ length;
  h4 ^= scramble(at + 12, C4, 18, C1) ^ length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  const m1 = finish(h1);
  const m2 = finish(h2 + h1);
  const first = (m1 + m2 + finish(h3 + h1) + finish(h4 + h1)) | 0;
  into[0] = first;
  into[1] = m2 + first;
}

/** Reads a word of the scratch bytes and mixes its bits before they enter the state. */
function scramble(at: number, before: number, turn: number, after: number): number {
  return Math.imul(rotate(Math.imul(view.getInt32(at, true), before), turn), after);
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
