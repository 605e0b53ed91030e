/** Seeded randomness: the same seed gives the same numbers on every machine. */
import { createHash } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** Whole, uniform in [0, below). */
  int(below: number): number;
  chance(probability: number): boolean;
  /** Exponential with that mean, at most eight times the mean. */
  exponential(mean: number): number;
  /** One element; the list must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
}

/**
 * The generator sfc32 (Chris Doty-Humphrey, PractRand), seeded with the SHA-256 of the parts. Streams with different
 * parts are independent, so that a new draw in one place does not change the others.
 */
export function createRandom(...parts: readonly (string | number)[]): Random {
  const next32 = sfc32(createHash('sha256').update(JSON.stringify(parts)).digest());
  const next = (): number => next32() / 2 ** 32;
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    between: (from, to) => from + next() * (to - from),
    chance: (probability) => next() < probability,
    exponential: (mean) => Math.min(-Math.log(1 - next()), 8) * mean,
    pick: (list) => {
      const picked = list[int(list.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
    bytes: (count) => Uint8Array.from({ length: count }, () => next32() & 0xff),
  };
}

function sfc32(seed: Buffer): () => number {
  let a = seed.readInt32LE(0);
  let b = seed.readInt32LE(4);
  let c = seed.readInt32LE(8);
  let counter = 1;
  return () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
}

/** Draws elements in proportion to their weights; one draw costs O(log n). */
export function createWeighted<T>(elements: readonly T[], weight: (element: T, rank: number) => number) {
  let total = 0;
  const upTo = elements.map((element, rank) => (total += weight(element, rank)));
  return (random: Random): T => {
    const point = random.next() * total;
    let low = 0;
    let high = upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] ?? 0) > point) high = middle;
      else low = middle + 1;
    }
    const drawn = elements[low];
    if (drawn === undefined) throw new Error('nothing to draw from');
    return drawn;
  };
}

/** An element by weights, drawn with {@link createWeighted}. */
export type Draw<T> = (random: Random) => T;
