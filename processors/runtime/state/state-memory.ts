import { MillraceError } from '../../../platform/errors.ts';
import type { Spill, SpillMap } from '../../../platform/spill/port.ts';

/** What a store says of its memory, and how it is asked to take less. */
export interface BoundedStore {
  readonly bytes: number;
  evict(bytes: number): number;
}

export interface StateMemoryOptions {
  /** Most bytes that the entries of all stores may take, as {@link EntrySize} estimates them. */
  readonly limitBytes: number;
  /** Takes what does not fit; where absent, more state than the limit is an error. */
  readonly spill?: Spill;
}

const MIB = 1024 * 1024;
/**
 * Made free beyond what is too much, so that not each commit moves entries; little, since moving a megabyte of small
 * entries takes some ten milliseconds.
 */
const SLACK_BYTES = MIB / 2;
const SLACK_SHARE = 16;
/** Stores that the error names. */
const LARGEST = 3;

/**
 * Bound of the memory that keyed state takes, shared by all tasks of a process. It counts entries of stores; what the
 * parts of a task build from them (windows, timers) and the remembered eventIds come on top.
 */
export class StateMemory {
  readonly limitBytes: number;
  readonly #spill: Spill | undefined;
  /** With what they are called in errors: `task/store`. */
  readonly #stores = new Map<BoundedStore, string>();

  constructor({ limitBytes, spill }: StateMemoryOptions) {
    this.limitBytes = limitBytes;
    this.#spill = spill;
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const store of this.#stores.keys()) bytes += store.bytes;
    return bytes;
  }

  /** How stores open their maps on disk; undefined where there is none. */
  get spillMap(): ((name: string) => SpillMap) | undefined {
    const spill = this.#spill;
    return spill === undefined ? undefined : (name) => spill.map(name);
  }

  add(store: BoundedStore, name: string): void {
    this.#stores.set(store, name);
  }

  remove(store: BoundedStore): void {
    this.#stores.delete(store);
  }

  /**
   * Moves entries to disk where the limit is passed, of the largest store first. Not while a step runs.
   * @throws MillraceError MR_STATE_TOO_LARGE where there is no disk to move to, MR_SPILL_FULL, MR_SPILL_FAILED
   */
  relieve(): void {
    const usedBytes = this.usedBytes;
    if (usedBytes <= this.limitBytes) return;
    if (this.#spill === undefined) throw this.#tooLarge(usedBytes);
    let excess = usedBytes - this.limitBytes + Math.min(SLACK_BYTES, this.limitBytes / SLACK_SHARE);
    for (const { store } of this.#largestFirst()) {
      if (excess <= 0) return;
      excess -= store.evict(Math.min(excess, store.bytes));
    }
  }

  #largestFirst(): { readonly store: BoundedStore; readonly name: string; readonly bytes: number }[] {
    return [...this.#stores]
      .map(([store, name]) => ({ store, name, bytes: store.bytes }))
      .sort((a, b) => b.bytes - a.bytes);
  }

  #tooLarge(usedBytes: number): MillraceError {
    const largest = this.#largestFirst()
      .slice(0, LARGEST)
      .map(({ name, bytes }) => `${name} (${megabytes(bytes)} MB)`);
    return new MillraceError(
      'MR_STATE_TOO_LARGE',
      `the state of the tasks here takes about ${megabytes(usedBytes)} MB and may take ${megabytes(this.limitBytes)} MB; the largest stores are ${largest.join(', ')}`,
      { context: { usedBytes: Math.round(usedBytes), limitBytes: this.limitBytes, largest } },
    );
  }
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / MIB);
}
