import { walkEntries } from './entry-walk.ts';
import { growthOfDelete, growthOfPut, largerOf, sizesOfPut, type Largest } from './page-growth.ts';
import type { Spill, SpillEntry, SpillMap, SpillRange } from './port.ts';
import type { OpenMap, ScratchDatabase } from './scratch-database.ts';
import { spillRefused } from './spill-error.ts';
import { isLong, packLong, unpackLong } from './stored-key.ts';

/** lmdb copies values up to this many bytes; it would lend larger ones from memory that it may unmap. */
const LARGEST_ENTRY_BYTES = 16 * 1024 * 1024;
/** Before the key of a long entry. */
const LENGTH_BYTES = 4;

/** @param release called once after the database is closed */
export function createLmdbSpill(scratch: ScratchDatabase, release: () => Promise<void>): Spill {
  const maps = new Map<string, SpillMap>();
  let closing: Promise<void> | undefined;
  return {
    map(name) {
      const map = maps.get(name) ?? new LmdbSpillMap(scratch);
      maps.set(name, map);
      return map;
    },
    get bytes() {
      return scratch.bytes;
    },
    close() {
      closing ??= scratch.close().finally(release);
      return closing;
    },
  };
}

class LmdbSpillMap implements SpillMap {
  readonly #scratch: ScratchDatabase;
  readonly #map: OpenMap;
  #changes = 0;
  #largest: Largest = { key: 0, node: 0 };

  constructor(scratch: ScratchDatabase) {
    this.#scratch = scratch;
    this.#map = scratch.openMap();
  }

  get(key: string): Buffer | undefined {
    const stored = this.#scratch.read('get', () => this.#map.database.get(key));
    return stored === undefined || !isLong(key) ? stored : unpackLong(stored)[1];
  }

  has(key: string): boolean {
    return this.#scratch.read('has', () => this.#map.database.doesExist(key));
  }

  putMany(entries: Iterable<SpillEntry>): void {
    const list = [...entries]; // what the iterable does stays outside the transaction
    list.forEach(checkEntry);
    if (list.length === 0) return;
    const { database, tree } = this.#map;
    const sizes = sizesOfPut(list, tree.pageSize);
    this.#largest = largerOf(this.#largest, sizes.largest);
    this.#write({
      operation: 'putMany',
      growthPages: growthOfPut(tree, sizes, this.#largest),
      frees: false,
      run: () => {
        for (const [key, value] of list) database.putSync(key, isLong(key) ? packLong(key, value) : value);
      },
    });
  }

  deleteMany(keys: Iterable<string>): void {
    const list = [...keys];
    if (list.length === 0) return;
    const { database, tree } = this.#map;
    this.#write({
      operation: 'deleteMany',
      growthPages: growthOfDelete(tree, list.length),
      frees: true,
      run: () => {
        for (const key of list) database.removeSync(key);
      },
    });
  }

  entries(range: SpillRange = {}): IterableIterator<SpillEntry> {
    const source = {
      database: () => {
        this.#scratch.requireOpen('entries');
        return this.#map.database;
      },
      changes: () => this.#changes,
    };
    return walkEntries(source, range);
  }

  get size(): number {
    this.#scratch.requireOpen('size');
    return this.#map.tree.entryCount;
  }

  clear(): void {
    const { database } = this.#map;
    this.#write({ operation: 'clear', growthPages: 0, frees: true, run: () => database.clearSync() });
  }

  #write(write: Parameters<ScratchDatabase['write']>[1]): void {
    this.#scratch.write(this.#map, write);
    this.#changes += 1;
  }
}

/** @throws MillraceError MR_SPILL_FAILED */
function checkEntry([key, value]: SpillEntry): void {
  const bytes = LENGTH_BYTES + Buffer.byteLength(key) + value.length;
  if (bytes > LARGEST_ENTRY_BYTES)
    throw spillRefused('an entry must not have more than 16 MiB', { operation: 'putMany', bytes });
}
