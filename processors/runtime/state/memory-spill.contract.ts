import type { Spill, SpillEntry, SpillMap, SpillRange } from '../../../platform/spill/port.ts';

/** A spill in memory for tests, with what was written to each map. */
export interface MemorySpill extends Spill {
  readonly maps: ReadonlyMap<string, MemorySpillMap>;
}

export class MemorySpillMap implements SpillMap {
  readonly #entries = new Map<string, Buffer>();
  /** Keys in order, until one is added or deleted. */
  #sorted: readonly string[] | undefined;
  /** Entries written so far. */
  written = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Buffer | undefined {
    const value = this.#entries.get(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  putMany(entries: Iterable<SpillEntry>): void {
    this.#sorted = undefined;
    for (const [key, value] of [...entries]) {
      this.#entries.set(key, Buffer.from(value));
      this.written += 1;
    }
  }

  deleteMany(keys: Iterable<string>): void {
    this.#sorted = undefined;
    for (const key of [...keys]) this.#entries.delete(key);
  }

  /** Sees at each step what is there then. */
  *entries({ start = '', end }: SpillRange = {}): Generator<SpillEntry, undefined> {
    for (let next = this.#firstFrom(start); next !== undefined; next = this.#firstFrom(`${next}\0`)) {
      if (end !== undefined && compare(next, end) >= 0) return undefined;
      yield [next, Buffer.from(this.#entries.get(next) as Buffer)];
    }
    return undefined;
  }

  clear(): void {
    this.#sorted = undefined;
    this.#entries.clear();
  }

  #firstFrom(start: string): string | undefined {
    const sorted = (this.#sorted ??= [...this.#entries.keys()].sort(compare));
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(sorted[middle] as string, start) < 0) low = middle + 1;
      else high = middle;
    }
    return sorted[low];
  }
}

export function memorySpill(): MemorySpill {
  const maps = new Map<string, MemorySpillMap>();
  return {
    maps,
    map(name) {
      const map = maps.get(name) ?? new MemorySpillMap();
      maps.set(name, map);
      return map;
    },
    bytes: 0,
    close: () => Promise.resolve(),
  };
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
