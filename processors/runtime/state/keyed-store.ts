export interface StoreOptions {
  /**
   * Bounds the memory of the store: beyond it the entries written longest ago are forgotten, in the changelog too.
   * Unbounded where absent; use it only where the entries end by themselves (windows, timers).
   */
  readonly maxEntries?: number;
}

/**
 * Keyed state of one task, in memory, with the keys that changed since the last commit. Values are JSON; a value that
 * is changed in place must be `set` again. Iteration is from the entry written longest ago to the newest.
 */
export class KeyedStore<V> {
  readonly name: string;
  readonly #entries = new Map<string, V>();
  readonly #dirty = new Set<string>();
  readonly #maxEntries: number;

  constructor(name: string, options: StoreOptions = {}) {
    this.name = name;
    this.#maxEntries = options.maxEntries ?? Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    if (this.#isBounded) this.#moveToEnd(key);
    this.#entries.set(key, value);
    this.#dirty.add(key);
    while (this.#entries.size > this.#maxEntries) this.#forgetOldest();
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#dirty.add(key);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }

  /** Takes an entry of the changelog; null forgets it. Does not count as a change. */
  restore(key: string, value: Buffer | null): void {
    this.#entries.delete(key);
    if (value !== null) this.#entries.set(key, JSON.parse(value.toString('utf8')) as V);
  }

  /** The changes since the last call, for the changelog. A null value is a deletion. */
  takeChanges(): { readonly key: string; readonly value: Buffer | null }[] {
    const changes = [...this.#dirty].map((key) => {
      const value = this.#entries.get(key);
      return { key, value: value === undefined ? null : Buffer.from(JSON.stringify(value)) };
    });
    this.#dirty.clear();
    return changes;
  }

  /**
   * The order is that of the first writes since the last commit, in the entries and in the changelog alike: what comes
   * back after a restart is forgotten in the same order. A map keeps the place of a key that it holds.
   */
  #moveToEnd(key: string): void {
    if (!this.#dirty.has(key)) this.#entries.delete(key);
    else if (!this.#entries.has(key)) this.#dirty.delete(key);
  }

  get #isBounded(): boolean {
    return this.#maxEntries !== Number.POSITIVE_INFINITY;
  }

  #forgetOldest(): void {
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.delete(oldest.value);
  }
}
