import { json } from '../codec.ts';
import { EntryTable } from './entry-table.ts';
import type { SpilledEntry } from './spilled-entries.ts';
import { checkValueSize, incompatibleState, keyTrace } from './state-fault.ts';
import type { Touches } from '../evidence/touches.ts';
import { loneEnvironment, type StoreEnvironment } from './store-environment.ts';
import { checkStoreOptions, type StateChange, type StoreOptions } from './store-options.ts';
import type { UndoLog } from './undo-log.ts';

export type { StateChange, StoreOptions } from './store-options.ts';

/**
 * Keyed state of one task, with the keys that changed since the last commit. A value that is changed in place must be
 * `set` again. What does not fit in memory is moved to disk between commits and comes back when it is asked for.
 */
export class KeyedStore<V> {
  readonly name: string;
  readonly version: number;
  readonly layout: string;
  /** Told when an entry is put back because a step is undone, for indexes of the entries. */
  onPutBack: ((key: string, value: V) => void) | undefined;
  /** Told of each key that is written or deleted, for whoever says outside what the entries say. */
  onChange: ((key: string) => void) | undefined;

  readonly #options: StoreOptions<V>;
  readonly #env: StoreEnvironment;
  readonly #undo: UndoLog;
  readonly #touches: Touches | undefined;
  readonly #maxEntries: number;
  readonly #isTimed: boolean;
  /** Whether the order of writes matters: what is bounded, or ends with time, goes from the oldest on. */
  readonly #isOrdered: boolean;
  readonly #table: EntryTable<V>;
  readonly #memory: Map<string, V>;
  readonly #dirty = new Set<string>();
  /** Whether there are entries from before the first event, which have no time yet. */
  #hasUndated = false;
  /** Keys that were noted for the step that may be undone. */
  readonly #noted = new Set<string>();
  #notedStep = -1;
  /** Keys of the changelog whose value cannot be read, with what was thrown. */
  readonly #unreadable = new Map<string, unknown>();

  constructor(name: string, options: StoreOptions<V> = {}, env: StoreEnvironment = loneEnvironment()) {
    const { codec = json<V>(), maxEntries, ttlMs, version = 1, layout = `keyed(${codec.name})` } = options;
    checkStoreOptions(name, options);
    const { spillMap } = env;
    this.name = name;
    this.version = version;
    this.layout = layout;
    this.#options = options;
    this.#env = env;
    this.#undo = env.undo;
    this.#touches = env.touches;
    this.#maxEntries = maxEntries ?? Number.POSITIVE_INFINITY;
    this.#isTimed = ttlMs !== undefined;
    this.#isOrdered = this.#isTimed || maxEntries !== undefined;
    this.#table = new EntryTable({
      codec,
      isOrdered: this.#isOrdered,
      isTimed: this.#isTimed,
      ...(spillMap === undefined ? {} : { openSpill: () => spillMap(`${env.taskId}/${name}`) }),
    });
    this.#memory = this.#table.memory;
  }

  /** Entries, those included that are over and not yet deleted. */
  get size(): number {
    return this.#table.size;
  }

  /** Changed entries since the last commit. */
  get changes(): number {
    return this.#dirty.size;
  }

  /** Keys of the changed entries. */
  changedKeys(): Iterable<string> {
    return this.#dirty;
  }

  get canUpgrade(): boolean {
    return this.#options.upgrade !== undefined;
  }

  /** Estimate of what its entries take in memory. */
  get bytes(): number {
    return this.#table.bytes;
  }

  /** Entries that are on disk and not in memory. */
  get spilled(): number {
    return this.#table.onDisk;
  }

  get(key: string): V | undefined {
    if (this.#undo.isActive) this.#note(key);
    if (this.#touches?.isActive === true) this.#touch(key);
    let value = this.#memory.get(key);
    if (value === undefined && this.#table.isSpilled) value = this.#table.load(key);
    return this.#isTimed && this.#isOver(key) ? undefined : value;
  }

  has(key: string): boolean {
    if (this.#touches?.isActive === true) this.#touch(key);
    return this.#table.has(key) && !(this.#isTimed && this.#isOver(key));
  }

  /** `undefined` deletes. */
  set(key: string, value: V): void {
    if (value === undefined) {
      this.delete(key);
      return;
    }
    if (this.#undo.isActive) this.#note(key);
    if (this.#touches?.isActive === true) this.#touch(key);
    this.#write(key, value, this.#env.time.eventTimeMs);
    while (this.#table.size > this.#maxEntries) this.#forgetOldest();
  }

  delete(key: string): void {
    if (this.#undo.isActive) this.#note(key);
    if (this.#touches?.isActive === true) this.#touch(key);
    if (this.#table.remove(key)) this.#changed(key);
  }

  /**
   * The entries that are there now, also while some of them are changed or deleted; those that are added meanwhile are
   * left out. From the one written longest ago on where the store is bounded or has a time to live, as long as all of it
   * fits in memory.
   */
  *entries(): IterableIterator<[string, V]> {
    for (const entry of this.#table.entries()) {
      const [key] = entry;
      if (this.#isTimed && this.#isOver(key)) continue;
      if (this.#undo.isActive) this.#note(key);
      if (this.#touches?.isActive === true) this.#touch(key);
      yield entry;
    }
  }

  /** Keys of the entries that are over and not yet deleted. */
  *overdueKeys(): Generator<string> {
    if (!this.#isTimed) return;
    for (const [key] of this.#table.entries()) if (this.#isOver(key)) yield key;
  }

  /** Takes an entry of the changelog; null forgets it. Does not count as a change. */
  restore(key: string, value: Buffer | null, writtenMs = Number.NEGATIVE_INFINITY): void {
    if (this.#unreadable.size > 0) this.#unreadable.delete(key);
    const restored = value === null ? undefined : this.#decodeOrNote(key, value);
    if (restored === undefined) {
      this.#table.remove(key);
      return;
    }
    this.#table.put(key, restored, { writtenMs, atEnd: this.#isOrdered });
    this.#table.sample(key, restored);
    if (writtenMs === Number.NEGATIVE_INFINITY) this.#hasUndated = true;
  }

  /**
   * After the last restore: brings entries of an older version to this one and marks them changed.
   * @throws MillraceError MR_STATE_INCOMPATIBLE
   */
  ready(storedVersion: number): void {
    const [unreadable] = this.#unreadable;
    if (unreadable !== undefined) {
      const [key, cause] = unreadable;
      const reason = `${this.#unreadable.size} of its values cannot be decoded`;
      throw incompatibleState(this.#place, { reason }, { context: keyTrace(key), cause });
    }
    const { upgrade } = this.#options;
    if (storedVersion >= this.version || upgrade === undefined) return;
    this.#table.replaceAll(
      (key, value) => {
        try {
          return upgrade(value, storedVersion);
        } catch (cause) {
          const reason = `\`upgrade\` threw on a value of version ${storedVersion}`;
          throw incompatibleState(this.#place, { reason }, { context: keyTrace(key), cause });
        }
      },
      (key) => this.#changed(key),
    );
  }

  /** Hands each change since the last call to `put`: the last value of each key, in the order of the first writes. */
  drainChanges(put: (change: StateChange) => void): void {
    for (const key of this.#dirty) {
      const entry = this.#table.snapshot(key);
      if (entry !== undefined) checkValueSize(this.#place, key, entry.bytes.length);
      const writtenMs = this.#isTimed ? entry?.writtenMs : undefined;
      put({ key, value: entry?.bytes ?? null, ...(writtenMs === undefined ? {} : { writtenMs }) });
      const value = this.#memory.get(key);
      if (value !== undefined) this.#table.sample(key, value);
    }
    this.#dirty.clear();
    this.#table.sweep();
  }

  /** The changes since the last call, for the changelog. */
  takeChanges(): StateChange[] {
    const changes: StateChange[] = [];
    this.drainChanges((change) => changes.push(change));
    return changes;
  }

  /**
   * Deletes entries whose time to live is over, from the oldest on, at most so many: what a long silence leaves is
   * spread over many calls.
   */
  expire(maxEntries: number): void {
    if (!this.#isTimed) return;
    if (this.#hasUndated) this.#date();
    for (let count = 0; count < maxEntries; count++) {
      const oldest = this.#table.oldest();
      if (oldest === undefined || !this.#isPast(oldest.writtenMs)) return;
      if (this.#table.remove(oldest.key)) this.#changed(oldest.key);
    }
  }

  /**
   * Moves unchanged entries to disk, those that came into memory first at first, until about so many bytes are free.
   * @returns bytes that became free: 0 where there is no disk, or nothing unchanged
   */
  evict(bytes: number): number {
    return this.#table.evict(bytes, (key) => this.#dirty.has(key));
  }

  /** Gives memory and disk back. */
  close(): void {
    this.#table.clear();
    this.#dirty.clear();
  }

  get #place() {
    return { taskId: this.#env.taskId, store: this.name };
  }

  /**
   * The order is that of the first writes since the last commit, in the entries and in the changelog alike: what comes
   * back after a restart is forgotten in the same order. A map keeps the place of a key that it holds.
   */
  #write(key: string, value: V, writtenMs: number): void {
    const isDirty = this.#isOrdered && this.#dirty.has(key);
    if (isDirty && !this.#memory.has(key)) this.#dirty.delete(key);
    this.#table.put(key, value, { writtenMs, atEnd: this.#isOrdered && !isDirty });
    this.#changed(key);
    if (this.#isTimed && writtenMs === Number.NEGATIVE_INFINITY) this.#hasUndated = true;
  }

  #changed(key: string): void {
    this.#dirty.add(key);
    this.onChange?.(key);
  }

  #forgetOldest(): void {
    const oldest = this.#table.oldest();
    if (oldest !== undefined) this.delete(oldest.key);
  }

  /** What was written before the first event counts from the first event on. */
  #date(): void {
    const { eventTimeMs } = this.#env.time;
    if (eventTimeMs === Number.NEGATIVE_INFINITY) return;
    for (const key of this.#table.date(eventTimeMs)) this.#changed(key);
    this.#hasUndated = false;
  }

  /** Whether the time to live of an entry has passed. */
  #isOver(key: string): boolean {
    const writtenMs = this.#table.writtenMs(key);
    return writtenMs !== undefined && this.#isPast(writtenMs);
  }

  #isPast(writtenMs: number): boolean {
    if (writtenMs === Number.NEGATIVE_INFINITY) return false;
    return writtenMs + (this.#options.ttlMs ?? Number.POSITIVE_INFINITY) <= this.#env.time.watermarkMs;
  }

  /** Notes how an entry is now; the step may also change in place what it was given. */
  #note(key: string): void {
    if (this.#notedStep !== this.#undo.step) {
      this.#noted.clear();
      this.#notedStep = this.#undo.step;
    }
    if (this.#noted.has(key)) return;
    this.#noted.add(key);
    const entry = this.#table.snapshot(key);
    this.#undo.note(() => this.#putBack(key, entry));
  }

  /** Keeps how an entry is before the step, which may change in place what it is given. */
  #touch(key: string): void {
    if (this.#touches === undefined || this.#touches.isKnown(this.name, key)) return;
    const entry = this.#table.snapshot(key);
    const { name: store, version, layout } = this;
    this.#touches.add({
      ...{ store, version, layout, key, value: entry?.bytes ?? null },
      ...(entry === undefined || !this.#isTimed ? {} : { writtenMs: entry.writtenMs }),
    });
  }

  #putBack(key: string, entry: SpilledEntry | undefined): void {
    if (entry === undefined) {
      if (this.#table.remove(key)) this.#changed(key);
      return;
    }
    const value = this.#table.decode(entry.bytes);
    this.#write(key, value, entry.writtenMs);
    this.onPutBack?.(key, value);
  }

  /** A value that cannot be read may have been written by another version, and may be overwritten further on. */
  #decodeOrNote(key: string, value: Buffer): V | undefined {
    try {
      return this.#table.decode(value);
    } catch (error) {
      this.#unreadable.set(key, error);
      return undefined;
    }
  }
}
