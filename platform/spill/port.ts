/**
 * Scratch maps on the local disk, for state that does not fit in memory. Their truth is elsewhere (a changelog): they
 * are empty at each start and promise nothing after a crash. Synchronous, since the stream loop must not wait for a
 * promise inside a record. After close() every call throws MR_SPILL_FAILED.
 */
export interface Spill {
  /**
   * The map with that name, empty at first; its keys are its own. The same name gives the same map.
   * @throws MillraceError MR_SPILL_FULL, MR_SPILL_FAILED
   */
  map(name: string): SpillMap;
  /** Size of the file on disk. It grows ahead of the entries, and shrinks only when it is closed. */
  readonly bytes: number;
  /** Closes and removes the files. Idempotent. */
  close(): Promise<void>;
}

/**
 * Keys are any text, the empty one too; half of a surrogate pair counts as U+FFFD, as in Kafka. An entry has at most 16
 * MiB, key and value together. A write that throws has changed nothing.
 */
export interface SpillMap {
  /** A copy that is the caller's. */
  get(key: string): Buffer | undefined;
  has(key: string): boolean;
  /**
   * Writes the entries in one transaction; of a key that is there twice the last one counts. Until the end the pages it
   * changes are in memory: some thousand entries in a call are fast, a million hold hundreds of megabytes.
   * @throws MillraceError MR_SPILL_FULL where the disk or the bound has no room for the worst case, MR_SPILL_FAILED
   */
  putMany(entries: Iterable<readonly [key: string, value: Buffer]>): void;
  /**
   * Removes the entries that are there in one transaction. That takes pages too: a full disk may refuse it.
   * @throws MillraceError MR_SPILL_FULL, MR_SPILL_FAILED
   */
  deleteMany(keys: Iterable<string>): void;
  /**
   * Entries in the order of the bytes of their keys in UTF-8, from `start` (inclusive) to `end` (exclusive). Each step
   * sees the map as it is then: what was changed behind the last key is seen, what was deleted is not. It holds nothing
   * between steps and may be left at any time.
   */
  entries(range?: SpillRange): IterableIterator<SpillEntry>;
  readonly size: number;
  /** Works on a full disk too. */
  clear(): void;
}

export type SpillEntry = readonly [key: string, value: Buffer];

export interface SpillRange {
  readonly start?: string;
  readonly end?: string;
}
