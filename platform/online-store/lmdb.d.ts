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

  export interface RootDatabase extends Database<unknown> {
    openDB<V>(options: { name: string; encoding: 'msgpack' }): Database<V>;
    /** Runs the action in one write transaction; resolves after the commit. */
    transaction<T>(action: () => T): Promise<T>;
    /** Resolves when what was committed is on disk. */
    readonly flushed: Promise<boolean>;
    close(): Promise<void>;
  }

  export function open(options: {
    path: string;
    noSubdir: boolean;
    maxDbs: number;
    eventTurnBatching?: boolean;
  }): RootDatabase;

  /** Of liblmdb. */
  export const version: { readonly major: number; readonly minor: number; readonly patch: number };
}
