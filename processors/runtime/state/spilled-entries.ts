import type { SpillMap } from '../../../platform/spill/port.ts';

/** Keys of entries begin with this, those of their order with the other. */
const ENTRY = 'e';
const ORDER = 'o';
const ENTRIES = { start: ENTRY, end: 'f' };
/** Before the value of an entry: when it was written and its place in the order, two doubles. */
const HEADER_BYTES = 16;
const SEQUENCE_DIGITS = 11;

export interface SpilledEntry {
  readonly bytes: Buffer;
  /** Event time of the last write; NaN where the store does not keep it. */
  readonly writtenMs: number;
}

/** An entry on its way out of memory. */
export interface LeavingEntry extends SpilledEntry {
  readonly key: string;
}

interface Oldest {
  readonly key: string;
  readonly writtenMs: number;
  readonly sequence: number;
}

/**
 * The entries of a store that were moved out of memory. One that is needed again is copied back and its copy stays here
 * until it is outdated, so that reading costs no write; copies that are outdated are removed together, between records.
 */
export class SpilledEntries {
  readonly #map: SpillMap;
  readonly #isOrdered: boolean;
  /** Keys of copies of entries that are in memory, unchanged, with their place in the order. */
  readonly #loaded = new Map<string, number>();
  /** Keys of copies of entries that have been written or deleted since, with their place in the order. */
  readonly #outdated = new Map<string, number>();
  #copies = 0;
  #nextSequence = 0;
  /** Looked for last and not found: who reads in vain often writes then. */
  #absent: string | undefined;
  #order: Iterator<readonly [string, Buffer], unknown> | undefined;
  #oldest: Oldest | undefined;

  /** @param isOrdered whether {@link oldest} is wanted: it costs a second entry for each */
  constructor(map: SpillMap, isOrdered: boolean) {
    this.#map = map;
    this.#isOrdered = isOrdered;
    map.clear();
  }

  /** Entries that are here and not in memory. */
  get size(): number {
    return this.#copies - this.#loaded.size - this.#outdated.size;
  }

  /** What it keeps in memory, in keys. */
  get keysInMemory(): number {
    return this.#loaded.size + this.#outdated.size;
  }

  /** @param key of an entry that is not in memory */
  has(key: string): boolean {
    if (this.#copies === 0 || key === this.#absent || this.#outdated.has(key)) return false;
    return this.#map.has(ENTRY + key);
  }

  /** @param key of an entry that is not in memory */
  peek(key: string): SpilledEntry | undefined {
    const stored = this.#stored(key);
    return stored === undefined ? undefined : entryOf(stored);
  }

  /** The entry, which the caller puts back into memory. */
  load(key: string): SpilledEntry | undefined {
    const stored = this.#stored(key);
    if (stored === undefined) return undefined;
    this.#loaded.set(key, sequenceOf(stored));
    return entryOf(stored);
  }

  /**
   * The entry is written or deleted in memory.
   * @returns whether it was here alone
   */
  outdate(key: string, isInMemory: boolean): boolean {
    const loaded = this.#loaded.get(key);
    if (loaded !== undefined) {
      this.#loaded.delete(key);
      this.#outdated.set(key, loaded);
      return false;
    }
    if (isInMemory) return false;
    const stored = this.#stored(key);
    if (stored === undefined) return false;
    this.#outdated.set(key, sequenceOf(stored));
    return true;
  }

  /**
   * An entry leaves memory.
   * @returns whether its copy here counts again, so that it need not be {@link put}
   */
  release(key: string): boolean {
    return this.#loaded.delete(key);
  }

  /** Takes entries that leave memory and have no copy here, the one that was written longest ago first. */
  put(entries: readonly LeavingEntry[]): void {
    this.sweep();
    this.#absent = undefined;
    this.#map.putMany(this.#stores(entries));
    this.#copies += entries.length;
  }

  /** Replaces values in place; undefined removes the entry. They must be here alone. */
  rewrite(entries: readonly { readonly key: string; readonly bytes: Buffer | undefined }[]): void {
    const changed: (readonly [string, Buffer])[] = [];
    for (const { key, bytes } of entries) {
      const stored = this.#stored(key);
      if (stored === undefined) continue;
      if (bytes === undefined) this.#outdated.set(key, sequenceOf(stored));
      else changed.push([ENTRY + key, Buffer.concat([stored.subarray(0, HEADER_BYTES), bytes])]);
    }
    this.#map.putMany(changed);
  }

  /** Removes outdated copies. Not while a step runs. */
  sweep(): void {
    if (this.#outdated.size === 0) return;
    const keys: string[] = [];
    for (const [key, sequence] of this.#outdated) {
      keys.push(ENTRY + key);
      if (this.#isOrdered) keys.push(orderKey(sequence));
    }
    this.#map.deleteMany(keys);
    this.#copies -= this.#outdated.size;
    this.#outdated.clear();
    this.#order = this.#oldest = undefined;
  }

  /** The entry that was written longest ago of those that have a copy here that counts, be it in memory too. */
  oldest(): Oldest | undefined {
    for (;;) {
      this.#oldest ??= this.#nextOldest();
      if (this.#oldest === undefined) return undefined;
      if (this.#outdated.get(this.#oldest.key) !== this.#oldest.sequence) return this.#oldest;
      this.#oldest = undefined;
    }
  }

  /**
   * Entries that are not in memory, by key. Copies that come into memory or are outdated meanwhile are given too:
   * whoever walks looks there first.
   */
  *entries(): Generator<readonly [string, SpilledEntry], undefined> {
    if (this.size === 0) return;
    const shadowed = new Set([...this.#loaded.keys(), ...this.#outdated.keys()]);
    for (const [stored, value] of this.#map.entries(ENTRIES)) {
      const key = stored.slice(ENTRY.length);
      if (!shadowed.has(key)) yield [key, entryOf(value)];
    }
  }

  isOutdated(key: string): boolean {
    return this.#outdated.has(key);
  }

  clear(): void {
    this.#map.clear();
    this.#loaded.clear();
    this.#outdated.clear();
    this.#copies = 0;
    this.#order = this.#oldest = undefined;
  }

  #stored(key: string): Buffer | undefined {
    if (this.#copies === 0 || key === this.#absent || this.#outdated.has(key)) return undefined;
    const stored = this.#map.get(ENTRY + key);
    if (stored === undefined) this.#absent = key;
    return stored;
  }

  *#stores(entries: readonly LeavingEntry[]): Generator<readonly [string, Buffer], undefined> {
    for (const { key, bytes, writtenMs } of entries) {
      const sequence = this.#nextSequence++;
      const header = Buffer.allocUnsafe(HEADER_BYTES);
      header.writeDoubleBE(writtenMs, 0);
      header.writeDoubleBE(sequence, 8);
      yield [ENTRY + key, Buffer.concat([header, bytes])];
      if (this.#isOrdered) yield [orderKey(sequence), Buffer.concat([header, Buffer.from(key)])];
    }
  }

  #nextOldest(): Oldest | undefined {
    if (this.#copies === this.#outdated.size) return undefined;
    this.#order ??= this.#map.entries({ start: ORDER });
    const next = this.#order.next();
    if (next.done === true) {
      this.#order = undefined;
      return undefined;
    }
    const [, value] = next.value;
    return {
      key: value.toString('utf8', HEADER_BYTES),
      writtenMs: value.readDoubleBE(0),
      sequence: sequenceOf(value),
    };
  }
}

function sequenceOf(stored: Buffer): number {
  return stored.readDoubleBE(8);
}

function entryOf(stored: Buffer): SpilledEntry {
  return { bytes: stored.subarray(HEADER_BYTES), writtenMs: stored.readDoubleBE(0) };
}

function orderKey(sequence: number): string {
  return ORDER + sequence.toString(36).padStart(SEQUENCE_DIGITS, '0');
}
