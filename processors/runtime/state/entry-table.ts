import type { SpillMap } from '../../../platform/spill/port.ts';
import { json, type Codec } from '../codec.ts';
import { EntrySize } from './entry-size.ts';
import { OldestFirst } from './oldest-first.ts';
import { SpilledEntries, type LeavingEntry, type SpilledEntry } from './spilled-entries.ts';

export interface EntryTableOptions<V> {
  readonly codec: Codec<V>;
  /** Whether the order of writes is known: {@link EntryTable.oldest}. */
  readonly isOrdered: boolean;
  /** Whether the event time of the last write of each entry is kept. */
  readonly isTimed: boolean;
  /** A map on disk; absent where there is none. */
  readonly openSpill?: () => SpillMap;
}

/** What the time of an entry takes: a slot of a Map and a number. */
const TIME_BYTES = 72;
/** A key in the books of what was spilled. */
const SPILLED_KEY_BYTES = 64;
/** Entries that go to disk together, and their bytes. */
const SPILL_BATCH = 4_096;
const SPILL_BATCH_BYTES = 4 * 1024 * 1024;
/** Cannot be told from U+FFFD on disk. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The entries of a store, in memory and, as far as they do not fit there, on disk. What is read on disk comes back into
 * memory. Objects are kept as they are and not as bytes: small ones take no more, and reading them costs nothing.
 */
export class EntryTable<V> {
  /** The entries that are not on disk alone. */
  readonly memory = new Map<string, V>();
  readonly #options: EntryTableOptions<V>;
  readonly #oldest = new OldestFirst(() => this.memory.keys());
  /** Event time of the last write of the entries in memory; NaN where none is kept. */
  readonly #times: Map<string, number> | undefined;
  readonly #size = new EntrySize();
  #spilled: SpilledEntries | undefined;

  constructor(options: EntryTableOptions<V>) {
    this.#options = options;
    this.#times = options.isTimed ? new Map() : undefined;
  }

  get size(): number {
    return this.memory.size + this.onDisk;
  }

  /** Entries that are on disk and not in memory. */
  get onDisk(): number {
    return this.#spilled?.size ?? 0;
  }

  /** Whether memory alone may not say what there is. */
  get isSpilled(): boolean {
    return this.#spilled !== undefined;
  }

  /** Estimate of what the entries take in memory. */
  get bytes(): number {
    const entryBytes = this.#size.meanBytes + (this.#times === undefined ? 0 : TIME_BYTES);
    return this.memory.size * entryBytes + (this.#spilled?.keysInMemory ?? 0) * SPILLED_KEY_BYTES;
  }

  /** An entry that is not in memory, brought back from disk. */
  load(key: string): V | undefined {
    const entry = this.#spilled?.load(key);
    if (entry === undefined) return undefined;
    const value = this.decode(entry.bytes);
    this.memory.set(key, value);
    this.#times?.set(key, entry.writtenMs);
    return value;
  }

  has(key: string): boolean {
    return this.memory.has(key) || this.#spilled?.has(key) === true;
  }

  /** Event time of the last write of an entry; undefined where there is no entry, or none is kept. */
  writtenMs(key: string): number | undefined {
    if (this.#times === undefined) return undefined;
    return this.memory.has(key) ? this.#times.get(key) : this.#spilled?.peek(key)?.writtenMs;
  }

  /** An entry as bytes, left where it is. */
  snapshot(key: string): SpilledEntry | undefined {
    const value = this.memory.get(key);
    if (value === undefined) return this.#spilled?.peek(key);
    return { bytes: this.#options.codec.encode(value), writtenMs: this.#times?.get(key) ?? Number.NaN };
  }

  /** Writes an entry, in its place or behind all others. */
  put(key: string, value: V, how: { readonly writtenMs: number; readonly atEnd: boolean }): void {
    const wasInMemory = this.#spilled !== undefined || how.atEnd ? this.memory.has(key) : true;
    this.#spilled?.outdate(key, wasInMemory);
    if (how.atEnd && wasInMemory) {
      this.memory.delete(key);
      this.#oldest.left(key);
    }
    this.memory.set(key, value);
    this.#times?.set(key, how.writtenMs);
  }

  /** @returns whether there was one */
  remove(key: string): boolean {
    const wasInMemory = this.memory.delete(key);
    this.#oldest.left(key);
    this.#times?.delete(key);
    const wasOnDisk = this.#spilled?.outdate(key, wasInMemory) === true;
    return wasInMemory || wasOnDisk;
  }

  /** Takes part in the estimate of sizes. */
  sample(key: string, value: V): void {
    this.#size.sample(key, value);
  }

  /** The entry that was written longest ago, where the order is known. */
  oldest(): { readonly key: string; readonly writtenMs: number } | undefined {
    const onDisk = this.#spilled?.oldest();
    if (onDisk !== undefined) return onDisk;
    const key = this.#oldest.peek();
    return key === undefined ? undefined : { key, writtenMs: this.#times?.get(key) ?? Number.NaN };
  }

  /** Gives the entries in memory a time that have none yet. */
  date(writtenMs: number): string[] {
    const undated = [...(this.#times ?? [])].filter(([, ms]) => ms === Number.NEGATIVE_INFINITY);
    return undated.map(([key]) => {
      this.#times?.set(key, writtenMs);
      return key;
    });
  }

  /** The entries that are there at the beginning and still are when their turn comes. */
  *entries(): Generator<[key: string, value: V], undefined> {
    const keys = [...this.memory.keys()];
    for (const [key, { bytes }] of this.#spilled?.entries() ?? []) {
      const value = this.memory.get(key);
      if (value !== undefined) yield [key, value];
      else if (this.#spilled?.isOutdated(key) === false) yield [key, this.decode(bytes)];
    }
    for (const key of keys) {
      const value = this.#read(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /**
   * Replaces each value; undefined removes the entry. The order stays. What is on disk stays there.
   * @param changed told the key of each
   */
  replaceAll(replace: (key: string, value: V) => V | undefined, changed: (key: string) => void): void {
    const batch: { key: string; bytes: Buffer | undefined }[] = [];
    const flush = () => this.#spilled?.rewrite(batch.splice(0));
    for (const [key, { bytes }] of this.#spilled?.entries() ?? []) {
      const value = replace(key, this.decode(bytes));
      changed(key);
      batch.push({ key, bytes: value === undefined ? undefined : this.#options.codec.encode(value) });
      if (batch.length >= SPILL_BATCH) flush();
    }
    flush();
    for (const [key, before] of this.memory) {
      const value = replace(key, before);
      changed(key);
      if (value === undefined) this.remove(key);
      else this.put(key, value, { writtenMs: this.#times?.get(key) ?? Number.NaN, atEnd: false });
    }
  }

  /**
   * Moves entries to disk, those that came into memory first at first, until about so many bytes are free.
   * @param isPinned whether an entry has to stay
   * @returns bytes that became free
   * @throws MillraceError MR_SPILL_FULL, MR_SPILL_FAILED; every entry is where it was or on disk then
   */
  evict(bytes: number, isPinned: (key: string) => boolean): number {
    const { openSpill } = this.#options;
    if (openSpill === undefined) return 0;
    const before = this.bytes;
    while (before - this.bytes < bytes) {
      const keys = this.#leaving(bytes - before + this.bytes, isPinned);
      if (keys.length === 0) break;
      this.#spilled ??= new SpilledEntries(openSpill(), this.#options.isOrdered);
      this.#spill(this.#spilled, keys);
    }
    return before - this.bytes;
  }

  /** Removes outdated copies from disk. Not while a step runs. */
  sweep(): void {
    this.#spilled?.sweep();
  }

  clear(): void {
    this.memory.clear();
    this.#times?.clear();
    this.#spilled?.clear();
    this.#spilled = undefined;
  }

  /** Values of JSON are copied in decoding; others may share memory with what they were decoded from. */
  decode(bytes: Buffer): V {
    const { codec } = this.#options;
    return codec.decode(codec === json<V>() ? bytes : Buffer.from(bytes));
  }

  #read(key: string): V | undefined {
    const value = this.memory.get(key);
    if (value !== undefined) return value;
    const entry = this.#spilled?.peek(key);
    return entry === undefined ? undefined : this.decode(entry.bytes);
  }

  #leaving(bytes: number, isPinned: (key: string) => boolean): string[] {
    const most = Math.min(SPILL_BATCH, Math.ceil(bytes / this.#size.meanBytes));
    const keys: string[] = [];
    for (const key of this.memory.keys()) {
      // What has no time yet gets it in memory.
      if (isPinned(key) || this.#times?.get(key) === Number.NEGATIVE_INFINITY || LONE_SURROGATE.test(key))
        continue;
      if (keys.push(key) >= most) break;
    }
    return keys;
  }

  /** An entry is in memory until its copy is on disk: where the disk refuses some, the others are where they belong. */
  #spill(spilled: SpilledEntries, keys: readonly string[]): void {
    let batch: LeavingEntry[] = [];
    let bytes = 0;
    const flush = () => {
      spilled.put(batch);
      for (const { key } of batch) this.#leave(key);
      batch = [];
      bytes = 0;
    };
    for (const key of keys) {
      if (spilled.release(key)) {
        this.#leave(key);
        continue;
      }
      const entry = this.snapshot(key);
      if (entry === undefined) continue;
      batch.push({ key, ...entry });
      bytes += entry.bytes.length;
      if (bytes >= SPILL_BATCH_BYTES) flush();
    }
    flush();
  }

  #leave(key: string): void {
    this.memory.delete(key);
    this.#times?.delete(key);
    this.#oldest.left(key);
  }
}
