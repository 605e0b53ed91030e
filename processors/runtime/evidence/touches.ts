/** An entry as it was before a step touched it first. */
export interface TouchedEntry {
  readonly store: string;
  readonly version: number;
  readonly layout: string;
  readonly key: string;
  /** As in the changelog; null where there was no entry. */
  readonly value: Buffer | null;
  /** Event time of its last write, where the store keeps it. */
  readonly writtenMs?: number;
}

/** Past these, the entries touched longest ago are left out, and the evidence says so. */
export const MAX_TOUCHED = 1_000;
export const MAX_TOUCHED_BYTES = 384 * 1024;

/**
 * What the present step has touched of the stores that are recorded: each entry once, as it was before. Idle unless
 * `isActive`; then whoever reads or writes an entry notes it first, since a step may change in place what it was given.
 */
export class Touches {
  isActive = false;
  /** In the order of the latest touch. */
  #entries = new Map<string, TouchedEntry>();
  #bytes = 0;
  #isCut = false;

  /** Whether something that was touched had to be left out since the last {@link clear}. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Those touched last come last. */
  get entries(): readonly TouchedEntry[] {
    return [...this.#entries.values()];
  }

  /** Whether an entry was touched before; it then counts as touched now. */
  isKnown(store: string, key: string): boolean {
    const id = idOf(store, key);
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return true;
  }

  add(entry: TouchedEntry): void {
    this.#entries.set(idOf(entry.store, entry.key), entry);
    this.#bytes += bytesOf(entry);
    while (this.#entries.size > MAX_TOUCHED || (this.#bytes > MAX_TOUCHED_BYTES && this.#entries.size > 1))
      this.#dropOldest();
  }

  /** Forgets all but those touched last: what one act of many needs, the acts before it do not. */
  keepLast(count: number): void {
    while (this.#entries.size > count) this.#dropOldest();
  }

  clear(): void {
    if (this.#entries.size > 0) this.#entries = new Map();
    this.#bytes = 0;
    this.#isCut = false;
  }

  #dropOldest(): void {
    for (const [id, entry] of this.#entries) {
      this.#entries.delete(id);
      this.#bytes -= bytesOf(entry);
      this.#isCut = true;
      return;
    }
  }
}

function idOf(store: string, key: string): string {
  return `${store}/${key}`; // a store has no slash in its name
}

function bytesOf({ key, value }: TouchedEntry): number {
  return key.length + (value?.length ?? 0);
}
