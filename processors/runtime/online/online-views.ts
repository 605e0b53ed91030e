import type { StoredHead, VersionedWrite } from '../../../platform/online-store/port.ts';
import type { KeyedStore } from '../state/keyed-store.ts';
import {
  TaskView,
  TOMBSTONE_TTL_MS,
  type OnlineView,
  type OnlineViewOptions,
  type ViewedKey,
} from './online-view.ts';

/** A write to the online store that is on its way. */
export interface OnlineWrite extends VersionedWrite {
  /** Ingest time of the oldest event that waits in this write. */
  readonly acceptedAtMs: number | undefined;
}

/** When each entry was last written, epoch ms, by store. */
export type WriteTimes = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Keys written again with one flush at most, so that it stays short. */
const AGAIN_AT_ONCE = 5000;
/** Entries between two pauses of a walk over them. */
const WALK_AT_ONCE = 2000;

/** All that a task has in the online store: what its views say, and what of it is yet to be written. */
export class OnlineViews {
  /** Version of the newest write that was taken; 0 before the first. */
  newestVersion = 0;
  /** Calls of {@link take}. */
  takes = 0;
  /** Whether the task should commit though nothing was read, so that its checkpoint says what the store has. */
  wantsCommit = false;
  readonly #owner: string;
  readonly #nextVersion: () => number;
  readonly #views: TaskView<unknown>[] = [];
  /** Keys that nothing in the state stands behind. */
  readonly #orphans = new Set<string>();
  /** Keys that were taken while {@link reclaim} walks. */
  #taken: Set<string> | undefined;

  constructor(owner: string, nextVersion: () => number) {
    this.#owner = owner;
    this.#nextVersion = nextVersion;
  }

  add<V>(store: KeyedStore<V>, options: OnlineViewOptions<V>): OnlineView {
    const view = new TaskView(store, options);
    this.#views.push(view as unknown as TaskView<unknown>);
    return view;
  }

  /** Whether the task has nothing in the online store. */
  get isEmpty(): boolean {
    return this.#views.length === 0;
  }

  /** Names of the stores that are seen there. */
  get stores(): ReadonlySet<string> {
    return new Set(this.#views.map(({ store }) => store.name));
  }

  /** Whether something is yet to be written again. */
  get hasAgain(): boolean {
    return this.#views.some((view) => view.hasAgain);
  }

  get hasPending(): boolean {
    return this.#orphans.size > 0 || this.#views.some((view) => view.hasPending);
  }

  /** Writes since the last call, each key once, with values and versions of now. */
  take(nowMs: number): OnlineWrite[] {
    this.takes += 1;
    if (!this.hasPending) return [];
    const writes = new Map<string, OnlineWrite>();
    for (const key of this.#orphans)
      writes.set(key, this.#write({ key, value: null, ttlMs: TOMBSTONE_TTL_MS, acceptedAtMs: undefined }));
    this.#orphans.clear();
    for (const view of this.#views)
      for (const write of view.take(nowMs, AGAIN_AT_ONCE)) writes.set(write.key, this.#write(write));
    if (this.#taken !== undefined) for (const key of writes.keys()) this.#taken.add(key);
    return [...writes.values()];
  }

  /** Everything is to be written again: {@link TaskView.beginAgain}. */
  beginAgain(): void {
    for (const view of this.#views) view.beginAgain();
  }

  completeAgain(times: WriteTimes): void {
    for (const view of this.#views)
      view.completeAgain(times.get(view.store.name) ?? new Map<string, number>());
  }

  /**
   * Puts keys right that stand in the store and may not be what the state says: those that the state stands behind are
   * written anew where `anew` says so, the others are deleted. A step at a time: go on until it is done.
   */
  *reclaim(
    keys: ReadonlyMap<string, StoredHead>,
    { anew }: { readonly anew: boolean },
  ): Generator<undefined, void> {
    if (keys.size === 0) return;
    const orphans = new Map(keys);
    const taken = (this.#taken = new Set());
    let walked = 0;
    for (const view of this.#views) {
      for (const { key, value, storeKey } of view.keys()) {
        if (++walked % WALK_AT_ONCE === 0) yield;
        if (!orphans.has(key) || value === null) continue;
        orphans.delete(key);
        if (anew) view.touch(storeKey ?? '');
      }
    }
    this.#taken = undefined;
    // An entry that came during the walk was not seen by it: what was written meanwhile is right.
    for (const [key, { isDeleted }] of orphans) if (!isDeleted && !taken.has(key)) this.#orphans.add(key);
  }

  /** Every key that the state says the online store holds. */
  *keys(): Generator<ViewedKey & { readonly store: string; readonly storeKey: string | null }, undefined> {
    for (const view of this.#views)
      for (const viewed of view.keys())
        if (viewed.value !== null) yield { ...viewed, store: view.store.name };
  }

  /** Keys that the store may have or not: what they come from is over, and they are about to be deleted. */
  *leaving(): Generator<string> {
    for (const view of this.#views) yield* view.leaving();
  }

  #write(write: ViewedKey & { readonly acceptedAtMs: number | undefined }): OnlineWrite {
    this.newestVersion = this.#nextVersion();
    return { ...write, version: this.newestVersion, owner: this.#owner };
  }
}
