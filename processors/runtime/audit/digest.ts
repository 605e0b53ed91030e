import type { HashPair } from './hash-pair.ts';

/** A digest as JSON: count and the two sums. */
export type DigestJson = readonly [count: number, a: number, b: number];

const TWO_32 = 2 ** 32;

/**
 * Count and order-free digest of a multiset: the sums, modulo 2^32, of two 32-bit hashes of each member. Members can be
 * taken out again, and the difference of two multisets that differ in one member is the hash of that member. Two
 * different multisets of random members have the same digest with a probability of 2^-64.
 */
export class Digest {
  count = 0;
  a = 0;
  b = 0;

  static of([count, a, b]: DigestJson): Digest {
    const digest = new Digest();
    digest.count = count;
    digest.a = a;
    digest.b = b;
    return digest;
  }

  add({ a, b }: HashPair): void {
    this.count += 1;
    this.a = (this.a + a) >>> 0;
    this.b = (this.b + b) >>> 0;
  }

  /** Takes one of its members out again. */
  remove({ a, b }: HashPair): void {
    this.count -= 1;
    this.a = (this.a - a + TWO_32) >>> 0;
    this.b = (this.b - b + TWO_32) >>> 0;
  }

  merge(other: Digest): void {
    this.count += other.count;
    this.a = (this.a + other.a) >>> 0;
    this.b = (this.b + other.b) >>> 0;
  }

  /** What is left when the members of the other are taken out. */
  minus(other: Digest): Digest {
    return Digest.of([
      this.count - other.count,
      (this.a - other.a + TWO_32) >>> 0,
      (this.b - other.b + TWO_32) >>> 0,
    ]);
  }

  equals(other: Digest): boolean {
    return this.count === other.count && this.a === other.a && this.b === other.b;
  }

  /** Whether it is the digest of this one member. */
  isOf({ a, b }: HashPair): boolean {
    return this.a === a && this.b === b;
  }

  toJSON(): DigestJson {
    return [this.count, this.a, this.b];
  }
}

/** Sums of named digests, made where there is none. */
export function digestIn(digests: Map<string, Digest>, name: string): Digest {
  let digest = digests.get(name);
  if (digest === undefined) digests.set(name, (digest = new Digest()));
  return digest;
}

export function mergeInto(digests: Map<string, Digest>, others: ReadonlyMap<string, Digest>): void {
  for (const [name, digest] of others) digestIn(digests, name).merge(digest);
}
