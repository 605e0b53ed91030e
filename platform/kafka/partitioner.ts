/** Seed and mixing constants of Kafka's `org.apache.kafka.common.utils.Utils.murmur2`. */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/**
 * The partition of a key, the same as the Java producer's default partitioner chooses: 32-bit murmur2 of the UTF-8
 * bytes, sign bit cleared, modulo the partition count. Throws RangeError where `partitions` is not a positive integer.
 */
export function partitionFor(key: string | Uint8Array, partitions: number): number {
  if (!Number.isSafeInteger(partitions) || partitions < 1)
    throw new RangeError('partitions must be positive');
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/**
 * 32-bit murmur2 (Austin Appleby's MurmurHash2 with Kafka's seed) as a signed integer, as Java returns it. A string
 * is hashed as UTF-8.
 */
export function murmur2(key: string | Uint8Array): number {
  if (typeof key !== 'string') return murmur2Bytes(key);
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) > 0x7f) return murmur2Bytes(Buffer.from(key, 'utf8'));
  }
  return murmur2Ascii(key);
}

/** For ASCII the code units are the bytes: no buffer is made, since this runs for each record sent. */
function murmur2Ascii(key: string): number {
  const length = key.length;
  let h = SEED ^ length;
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    h = mix(
      h,
      key.charCodeAt(i) |
        (key.charCodeAt(i + 1) << 8) |
        (key.charCodeAt(i + 2) << 16) |
        (key.charCodeAt(i + 3) << 24),
    );
  }
  const left = length & 3;
  if (left > 2) h ^= key.charCodeAt(end + 2) << 16;
  if (left > 1) h ^= key.charCodeAt(end + 1) << 8;
  if (left > 0) h = Math.imul(h ^ key.charCodeAt(end), M);
  return finish(h);
}

function murmur2Bytes(data: Uint8Array): number {
  const length = data.length;
  let h = SEED ^ length;
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    h = mix(h, at(data, i) | (at(data, i + 1) << 8) | (at(data, i + 2) << 16) | (at(data, i + 3) << 24));
  }
  const left = length & 3;
  if (left > 2) h ^= at(data, end + 2) << 16;
  if (left > 1) h ^= at(data, end + 1) << 8;
  if (left > 0) h = Math.imul(h ^ at(data, end), M);
  return finish(h);
}

function at(data: Uint8Array, index: number): number {
  return data[index] ?? 0;
}

function mix(h: number, block: number): number {
  let k = Math.imul(block, M);
  k ^= k >>> R;
  return Math.imul(h, M) ^ Math.imul(k, M);
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 13);
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}
