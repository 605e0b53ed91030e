/**
 * What is used of lmdb. It is an optional dependency: with a declaration of our own the sources compile without it.
 */
declare module 'lmdb' {
  export interface Database<V> {
    get(key: string): V | undefined;
    put(key: string, value: V): Promise<boolean>;
    remove(key: string): Promise<boolean>;
    getRange(options: { start?: string; limit?: number }): Iterable<{ key: string; value: V }>;
  }

  /** Writes keys as bytes, whose order is the order of the database. */
  export interface KeyEncoder<Key, Read> {
    /** @returns the end of what it wrote */
    writeKey(key: Key, target: Buffer, start: number): number;
    readKey(source: Buffer, start: number, end: number): Read;
  }

  /** A database of bytes; `Read` is what its encoder makes of a stored key. Inside a transaction it reads what that wrote. */
  export interface BinaryDatabase<Key, Read> {
    get(key: Key): Buffer | undefined;
    doesExist(key: Key): boolean;
    putSync(key: Key, value: Buffer): boolean;
    removeSync(key: Key): boolean;
    clearSync(): void;
    getRange(options: { start: Key; end?: Key | undefined }): Iterable<{ key: Read; value: Buffer }>;
    getStats(): DatabaseStats;
  }

  /** Of one database; the page size and the last page are those of the file, as of the last commit. */
  export interface DatabaseStats {
    readonly pageSize: number;
    readonly treeDepth: number;
    readonly treeBranchPageCount: number;
    readonly treeLeafPageCount: number;
    readonly overflowPages: number;
    readonly entryCount: number;
    readonly lastPageNumber: number;
  }

  export interface RootDatabase extends Database<unknown> {
    openDB<V>(options: { name: string; encoding: 'msgpack' }): Database<V>;
    openDB<Key, Read>(options: {
      name: string;
      encoding: 'binary';
      keyEncoder: KeyEncoder<Key, Read>;
    }): BinaryDatabase<Key, Read>;
    /** Runs the action in one write transaction; resolves after the commit. */
    transaction<T>(action: () => T): Promise<T>;
    /** The same at once; what the action or the commit throws undoes it. */
    transactionSync<T>(action: () => T): T;
    /** Resolves when what was committed is on disk. */
    readonly flushed: Promise<boolean>;
    getStats(): DatabaseStats;
    close(): Promise<void>;
  }

  export function open(options: {
    path: string;
    noSubdir: boolean;
    maxDbs: number;
    eventTurnBatching?: boolean;
    /** Bytes of address space taken at first; grows by itself, and bounds nothing. */
    mapSize?: number;
    noReadAhead?: boolean;
    noSync?: boolean;
    permissionsMode?: number;
  }): RootDatabase;

  /** Of liblmdb. */
  export const version: { readonly major: number; readonly minor: number; readonly patch: number };
}
