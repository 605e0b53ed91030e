import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import type { EntryDatabase } from './entry-walk.ts';
import { overheadPages, type Tree } from './page-growth.ts';
import type { ReservedFile } from './reserved-file.ts';
import { boundReached, spillRefused, wrapSpillError } from './spill-error.ts';
import { keyEncoder } from './stored-key.ts';

/** Most maps of a spill. */
export const MAX_MAPS = 4096;

export interface ScratchDatabaseOptions {
  readonly dir: string;
  readonly root: RootDatabase;
  readonly file: ReservedFile;
  /** Bound of the pages in use; none where absent. */
  readonly maxBytes: number | undefined;
}

/** A database of one map, and its tree as of the last commit. */
export interface OpenMap {
  readonly database: EntryDatabase;
  tree: Tree;
}

/** What is done in one transaction of a map. */
export interface Write {
  readonly operation: string;
  /** Most pages that its entries may add to the file. */
  readonly growthPages: number;
  /** It may use the last of what is kept back, and ignores the bound. */
  readonly frees: boolean;
  readonly run: () => void;
}

/**
 * The database file with its maps. Each transaction first takes from the disk what it may need in the worst case, so that
 * liblmdb never meets a full disk: there lmdb 3.5.6 writes a message past the end of its buffer (mdb_page_flush) and may
 * end the process. File systems that never write in place (btrfs, ZFS) need room of their own beyond that.
 */
export class ScratchDatabase {
  readonly #options: ScratchDatabaseOptions;
  readonly #maps = new Set<OpenMap>();
  readonly #pageSize: number;
  #lastPage: number;
  #isClosed = false;

  constructor(options: ScratchDatabaseOptions) {
    this.#options = options;
    const { pageSize, lastPageNumber } = options.root.getStats();
    this.#pageSize = pageSize;
    this.#lastPage = lastPageNumber;
  }

  get bytes(): number {
    return this.#isClosed ? 0 : this.#options.file.bytes;
  }

  openMap(): OpenMap {
    const fault = { operation: 'map', path: this.#options.dir };
    this.requireOpen('map');
    if (this.#maps.size === MAX_MAPS)
      throw spillRefused(`a spill has at most ${MAX_MAPS} maps`, { ...fault, maps: this.#maps.size });
    try {
      this.#reserve(0, false);
      const database: EntryDatabase = this.#options.root.openDB({
        name: String(this.#maps.size),
        encoding: 'binary',
        keyEncoder,
      });
      const map: OpenMap = { database, tree: database.getStats() };
      this.#maps.add(map);
      this.#lastPage = database.getStats().lastPageNumber;
      return map;
    } catch (error) {
      throw wrapSpillError(error, fault);
    }
  }

  /** @throws MillraceError MR_SPILL_FULL, MR_SPILL_FAILED; nothing has changed then */
  write(map: OpenMap, { operation, growthPages, frees, run }: Write): void {
    this.requireOpen(operation);
    const { root, dir } = this.#options;
    try {
      this.#reserve(growthPages, frees);
      root.transactionSync(() => {
        run();
        if (!frees) this.#holdBound(map, operation);
      });
      const stats = map.database.getStats();
      map.tree = stats;
      this.#lastPage = stats.lastPageNumber;
    } catch (error) {
      throw wrapSpillError(error, { operation, path: dir });
    }
  }

  /** For the calls that only read. */
  read<T>(operation: string, action: () => T): T {
    this.requireOpen(operation);
    try {
      return action();
    } catch (error) {
      throw wrapSpillError(error, { operation, path: this.#options.dir });
    }
  }

  /** @throws MillraceError MR_SPILL_FAILED after close() */
  requireOpen(operation: string): void {
    if (this.#isClosed) throw spillRefused('the spill is closed', { operation, path: this.#options.dir });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#options.root.close();
    this.#options.file.close();
  }

  /** What only adds leaves room for one transaction that frees. */
  #reserve(growthPages: number, frees: boolean): void {
    const overhead = overheadPages(this.#lastPage + growthPages);
    const pages = this.#lastPage + 1 + growthPages + (frees ? overhead : 2 * overhead);
    this.#options.file.reserve(pages * this.#pageSize);
  }

  /** Inside the transaction, which it undoes by throwing. */
  #holdBound(map: OpenMap, operation: string): void {
    const { maxBytes, dir } = this.#options;
    if (maxBytes === undefined) return;
    let pages = pagesOf(map.database.getStats());
    for (const other of this.#maps) if (other !== map) pages += pagesOf(other.tree);
    if (pages * this.#pageSize > maxBytes) throw boundReached(maxBytes, { operation, path: dir });
  }
}

/** The name of its file; nothing else in the folder is touched. */
export function databasePath(dir: string): string {
  return join(dir, 'spill.mdb');
}

function pagesOf(tree: Tree): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}
