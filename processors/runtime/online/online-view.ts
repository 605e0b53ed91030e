import type { KeyedStore } from '../state/keyed-store.ts';

/** A key of the online store for each entry of a store. */
export interface EntryView<V> {
  /** The same for the same key, and of no other entry. */
  readonly key: (storeKey: string) => string;
  /** Null where the online store has nothing to hold of the entry. Follows from the entry alone. */
  readonly value: (entry: V, storeKey: string) => string | null;
  /** Time to live from the last write of the entry on. */
  readonly ttlMs: number | ((entry: V) => number);
}

/** One key of the online store from all entries of a store, which are few. */
export interface WholeView<V> {
  readonly key: string;
  readonly whole: (entries: Iterable<readonly [string, V]>) => string | null;
  readonly ttlMs: number;
}

/**
 * What the online store holds of a store. It follows from the state alone, so that it can be written again at any time:
 * an entry that is written is written there too, one that is deleted, or whose time to live in the state is over, goes.
 */
export type OnlineViewOptions<V> = EntryView<V> | WholeView<V>;

export interface OnlineView {
  /** Says of an entry that was just written which event people wait to see in it, by its ingest time: for the freshness. */
  accepted(storeKey: string, acceptedAtMs: number): void;
}

/** A key with its value as the state has it. */
export interface ViewedKey {
  readonly key: string;
  readonly value: string | null;
  readonly ttlMs: number;
}

/** What a view has to write. */
export interface ViewWrite extends ViewedKey {
  readonly acceptedAtMs: number | undefined;
}

/** How long the version of a deleted key counts against older writes: longer than any of them can be on its way. */
export const TOMBSTONE_TTL_MS = 86_400_000;

/** A view of one task, with what it has yet to write. */
export class TaskView<V> implements OnlineView {
  readonly store: KeyedStore<V>;
  readonly #view: OnlineViewOptions<V>;
  /** Entries written since the last {@link take}, with the ingest time of the oldest event that waits in each. */
  #changed = new Map<string, number | undefined>();
  /** Entries to be written again, with the time of their last write. */
  readonly #again = new Map<string, number>();
  /** Entries changed since {@link beginAgain}, while what is to be written again is being found. */
  #since: Set<string> | undefined;

  constructor(store: KeyedStore<V>, view: OnlineViewOptions<V>) {
    this.store = store;
    this.#view = view;
    const { onChange } = store;
    store.onChange = (key) => {
      onChange?.(key);
      if (!this.#changed.has(key)) this.#changed.set(key, undefined);
      this.#since?.add(key);
    };
  }

  get hasPending(): boolean {
    return this.#changed.size > 0 || this.#again.size > 0;
  }

  /** Whether something is to be written again, or is being looked for. */
  get hasAgain(): boolean {
    return this.#again.size > 0 || this.#since !== undefined;
  }

  accepted(storeKey: string, acceptedAtMs: number): void {
    if (this.#changed.get(storeKey) === undefined) this.#changed.set(storeKey, acceptedAtMs);
  }

  /**
   * What has changed, and at most so many keys of what is to be written again, each with what is left of its time to live.
   */
  take(nowMs: number, maxAgain: number): ViewWrite[] {
    const changed = this.#changed;
    this.#changed = new Map();
    const writes: ViewWrite[] = [];
    if ('whole' in this.#view) {
      const accepted = [...changed.values()].filter((ms) => ms !== undefined);
      if (changed.size > 0)
        writes.push({
          ...this.#whole(this.#view),
          acceptedAtMs: accepted.length > 0 ? Math.min(...accepted) : undefined,
        });
      else if (this.#again.size > 0)
        writes.push(...left(this.#whole(this.#view), latest(this.#again), nowMs));
      this.#again.clear();
      return writes;
    }
    const view = this.#view;
    for (const [storeKey, acceptedAtMs] of changed) {
      writes.push({ ...this.#entry(view, storeKey), acceptedAtMs });
      this.#again.delete(storeKey);
    }
    for (const [storeKey, writtenMs] of this.#again) {
      if (maxAgain-- <= 0) break;
      this.#again.delete(storeKey);
      if (this.store.has(storeKey)) writes.push(...left(this.#entry(view, storeKey), writtenMs, nowMs));
    }
    return writes;
  }

  /**
   * Everything is to be written again. What has changed since the last commit counts as changed now, the rest is given to
   * {@link completeAgain}; call while no commit is on its way.
   */
  beginAgain(): void {
    this.#again.clear();
    this.#since = new Set();
    for (const key of this.store.changedKeys()) this.store.onChange?.(key);
  }

  /** @param writtenMs when each entry was last written, of a commit after {@link beginAgain}, or the last one before it */
  completeAgain(writtenMs: ReadonlyMap<string, number>): void {
    const since = this.#since;
    this.#since = undefined;
    // What comes of all entries is whole after any change.
    if ('whole' in this.#view && since !== undefined && since.size > 0) return;
    for (const [key, ms] of writtenMs) if (since?.has(key) !== true) this.#again.set(key, ms);
  }

  /** The keys that the state has, with the entry that each comes from, or null where it is all of them. */
  *keys(): Generator<ViewedKey & { readonly storeKey: string | null }, undefined> {
    if ('whole' in this.#view) {
      if (this.store.size > 0) yield { ...this.#whole(this.#view), storeKey: null };
      return;
    }
    for (const [storeKey, entry] of this.store.entries())
      yield { ...this.#of(this.#view, storeKey, entry), storeKey };
  }

  /** Keys of entries that are over and not yet deleted. */
  *leaving(): Generator<string> {
    for (const storeKey of this.store.overdueKeys()) yield this.keyOf(storeKey);
  }

  /** The online key of an entry, without a look at the entry. */
  keyOf(storeKey: string): string {
    return 'whole' in this.#view ? this.#view.key : this.#view.key(storeKey);
  }

  /** Has an entry written anew, or what comes of all of them. */
  touch(storeKey: string): void {
    if (!this.#changed.has(storeKey)) this.#changed.set(storeKey, undefined);
  }

  #entry(view: EntryView<V>, storeKey: string): ViewedKey {
    return this.#of(view, storeKey, this.store.get(storeKey));
  }

  #of(view: EntryView<V>, storeKey: string, entry: V | undefined): ViewedKey {
    const key = view.key(storeKey);
    const value = entry === undefined ? null : view.value(entry, storeKey);
    if (entry === undefined || value === null) return { key, value: null, ttlMs: TOMBSTONE_TTL_MS };
    return { key, value, ttlMs: typeof view.ttlMs === 'number' ? view.ttlMs : view.ttlMs(entry) };
  }

  #whole({ key, whole, ttlMs }: WholeView<V>): ViewedKey {
    const value = this.store.size === 0 ? null : whole(this.store.entries());
    return { key, value, ttlMs: value === null ? TOMBSTONE_TTL_MS : ttlMs };
  }
}

/** A key that is written again keeps the end of its time to live: what has expired does not come back. */
function left(viewed: ViewedKey, writtenMs: number, nowMs: number): ViewWrite[] {
  const ttlMs = Math.min(viewed.ttlMs, writtenMs + viewed.ttlMs - nowMs);
  return ttlMs <= 0 || viewed.value === null ? [] : [{ ...viewed, ttlMs, acceptedAtMs: undefined }];
}

function latest(times: ReadonlyMap<string, number>): number {
  let ms = 0;
  for (const time of times.values()) ms = Math.max(ms, time);
  return ms;
}
