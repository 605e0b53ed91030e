import { createHash } from 'node:crypto';
import type { KeyEncoder } from 'lmdb';
import type { SpillEntry } from './port.ts';

/**
 * How keys stand in the database. LMDB takes keys of 1 to 1,978 bytes and orders them by their bytes.
 *
 * A key of at most 1,900 bytes of UTF-8: a byte 1, since the empty key must have one, and the key.
 * A longer one: a byte 1, its first 1,900 bytes and the SHA-256 of the key; the key itself stands before the value. All
 * long keys with the same beginning lie side by side, in the order of their digests: who reads them sorts them.
 */
const SHORT_KEY_BYTES = 1900;

const LEAD = 1;
const DIGEST_BYTES = 32;

/** A key, or bytes as they stand in the database. */
export type StoredKey = string | Uint8Array;

/** True for a key that is stored by its digest. */
export function isLong(key: string): boolean {
  return key.length * 3 > SHORT_KEY_BYTES && Buffer.byteLength(key) > SHORT_KEY_BYTES;
}

/** Reads a long key as undefined: it stands before the value. */
export const keyEncoder: KeyEncoder<StoredKey, string | undefined> = {
  writeKey(key, target, start) {
    if (typeof key === 'string' && !isLong(key)) {
      target[start] = LEAD;
      return start + 1 + target.write(key, start + 1, 'utf8');
    }
    const bytes = typeof key === 'string' ? longKey(key) : key;
    target.set(bytes, start);
    return start + bytes.length;
  },
  readKey(source, start, end) {
    return end - start > 1 + SHORT_KEY_BYTES ? undefined : source.toString('utf8', start + 1, end);
  },
};

function longKey(key: string): Uint8Array {
  return Buffer.concat([beginningOf(key), createHash('sha256').update(key, 'utf8').digest()]);
}

/** Bytes that a key takes in the database. */
export function storedKeyBytes(key: string): number {
  return 1 + (isLong(key) ? SHORT_KEY_BYTES + DIGEST_BYTES : Buffer.byteLength(key));
}

/** Of a long key: what all keys that lie with it begin with. */
export function beginningOf(key: string): Buffer {
  return Buffer.concat([Buffer.of(LEAD), Buffer.from(key, 'utf8').subarray(0, SHORT_KEY_BYTES)]);
}

/** Where a range begins that takes in the key and all behind it; before the first of the long keys that lie with it. */
export function rangeStart(key: string): StoredKey {
  return isLong(key) ? Buffer.concat([beginningOf(key), Buffer.of(0)]) : key;
}

/** Where a range ends that takes in all before the key; behind the last of the long keys that lie with it. */
export function rangeEnd(key: string): StoredKey {
  return isLong(key) ? Buffer.concat([beginningOf(key), Buffer.alloc(DIGEST_BYTES + 1, 0xff)]) : key;
}

/** The stored value of a long key: the length of the key, the key, the value. */
export function packLong(key: string, value: Buffer): Buffer {
  const bytes = Buffer.from(key, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes, value]);
}

export function unpackLong(stored: Buffer): SpillEntry {
  const end = 4 + stored.readUInt32LE();
  return [stored.toString('utf8', 4, end), stored.subarray(end)];
}
