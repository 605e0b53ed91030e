/** Bits of the hash that tell sparse entries apart, in the upper bits of a code. */
const SPARSE_BITS = 26;
const RANK_BITS = 32 - SPARSE_BITS;
const RANK_MASK = (1 << RANK_BITS) - 1;
const INITIAL_SLOTS = 4;

/**
 * Packs a 64-bit hash into a code of 32 bits: its first 26 bits, and in 6 bits the rank of the others, that is how many
 * zeros they begin with, plus one.
 */
export function sparseCode(high: number, low: number): number {
  const rest = high << SPARSE_BITS;
  const rank = rest === 0 ? RANK_BITS + Math.clz32(low) + 1 : Math.clz32(rest) + 1;
  return ((high & ~RANK_MASK) | rank) >>> 0;
}

/** Rank that the hash behind a code has for registers of 2^precision, precision ≤ 18. */
export function rankOfCode(code: number, precision: number): number {
  const rest = (code & ~RANK_MASK) << precision;
  return rest === 0 ? SPARSE_BITS - precision + (code & RANK_MASK) : Math.clz32(rest) + 1;
}

/**
 * The few entries of a young HyperLogLog: codes of 32 bits in open addressing with linear probing, at most 3/4 full
 * (the sparse representation of HyperLogLog++, Heule et al., EDBT 2013, section 5.3). Of codes that share the first 26
 * bits of the hash the one with the greatest rank stays, so the content does not depend on the order of adding.
 */
export class SparseRegisters {
  /** A code is never 0, since its rank is at least 1. */
  #slots = new Uint32Array(INITIAL_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(code: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (code >>> RANK_BITS) & mask; ; slot = (slot + 1) & mask) {
      const known = slots[slot] ?? 0;
      if (known === 0) {
        slots[slot] = code;
        this.#size += 1;
        if (4 * this.#size > 3 * slots.length) this.#grow();
        return;
      }
      if (known >>> RANK_BITS === code >>> RANK_BITS) {
        // With the upper bits equal, the greater code has the greater rank.
        if (code > known) slots[slot] = code;
        return;
      }
    }
  }

  /** Ascending. */
  codes(): Uint32Array {
    return this.#slots.filter((code) => code !== 0).sort();
  }

  /** How many different hashes led here: linear counting over 2^26 places (Whang et al., 1990). */
  estimate(): number {
    const places = 2 ** SPARSE_BITS;
    return -places * Math.log1p(-this.#size / places);
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    this.#size = 0;
    for (const code of old) if (code !== 0) this.add(code);
  }
}
