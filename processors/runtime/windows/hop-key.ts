import type { PairedSlices } from './paired-slices.ts';
import { SlidingMerge, type MergeSource } from './sliding-merge.ts';
import { TimeList } from './time-list.ts';
import { stateKeyOf } from './window-operator.ts';

/** The events of a key in one slice. Their accumulator is in the store. */
export interface Slice {
  readonly timeMs: number;
  readonly endMs: number;
  readonly stateKey: string;
  /** Start of the last window that holds it. */
  readonly lastStartMs: number;
  isChanged: boolean;
}

/** One key of overlapping windows: an index of its slices. */
export class HopKey<A> {
  readonly key: string;
  readonly slices = new TimeList<Slice>();
  /** The window that closes next; infinite where none is open. */
  nextStartMs = Number.POSITIVE_INFINITY;
  /** Whether it is known when its slices are to be forgotten. */
  isLeaving = false;
  /** Slices since the last emission. */
  changed: Slice[] = [];
  /** Starts of closed windows that late events have changed. */
  readonly corrected = new Set<number>();
  readonly #slicing: PairedSlices;
  readonly #newMerge: () => SlidingMerge<A, Slice>;
  readonly #keepsMerge: boolean;
  /** Of the windows as they close, as long as no slice changes that it has passed. */
  #merge: SlidingMerge<A, Slice> | undefined;

  constructor(key: string, slicing: PairedSlices, source: MergeSource<A>) {
    this.key = key;
    this.#slicing = slicing;
    this.#newMerge = () => new SlidingMerge(source.merger, source.read);
    this.#keepsMerge = source.keepsMerge;
  }

  get isOpen(): boolean {
    return this.nextStartMs !== Number.POSITIVE_INFINITY;
  }

  newSlice(timeMs: number): Slice {
    const { start, end } = this.#slicing.sliceOf(timeMs);
    const slice = {
      timeMs: start,
      endMs: end,
      stateKey: stateKeyOf(start, this.key),
      lastStartMs: this.#slicing.lastStart(start),
      isChanged: false,
    };
    this.slices.insert(slice);
    return slice;
  }

  /** A slice has a new accumulator. */
  touch({ timeMs }: Slice): void {
    if (this.#merge !== undefined && timeMs < this.#merge.endMs) this.#merge = undefined;
  }

  /** The merge of a window; asked for one window after the other as they close. */
  closing(startMs: number): A | undefined {
    if (this.#merge === undefined || !this.#keepsMerge) this.#merge = this.#newMerge();
    return this.#over(this.#merge, startMs);
  }

  /** Start of the first window that holds a slice behind one that has closed; infinite where there is none. */
  moveOn(startMs: number): number {
    const fromMs = startMs + this.#slicing.slide;
    // The slices of the first slide are in no later window.
    const next = this.slices.at(this.slices.indexFrom(fromMs));
    if (next === undefined) {
      this.#merge = undefined;
      return Number.POSITIVE_INFINITY;
    }
    return Math.max(fromMs, this.#slicing.firstStart(next.timeMs));
  }

  /** Start of the first window that holds a slice and ends after `closedToMs`; infinite where there is none. */
  startFrom(closedToMs: number): number {
    for (let index = 0; index < this.slices.length; index++) {
      const { timeMs, lastStartMs } = this.slices.at(index) as Slice;
      const startMs = this.#slicing.firstStart(timeMs, closedToMs);
      if (startMs <= lastStartMs) return startMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The windows that hold a changed slice and end after `closedToMs`, in order, with their merges. Forgets the changes. */
  *takeChanged(closedToMs: number): Generator<{ readonly startMs: number; readonly merged: A | undefined }> {
    const slices = this.changed.sort((a, b) => a.timeMs - b.timeMs);
    this.changed = [];
    const merge = this.#newMerge();
    let startMs = Number.NEGATIVE_INFINITY;
    for (const slice of slices) {
      slice.isChanged = false;
      startMs = Math.max(startMs, this.#slicing.firstStart(slice.timeMs, closedToMs));
      for (; startMs <= slice.lastStartMs; startMs += this.#slicing.slide)
        yield { startMs, merged: this.#over(merge, startMs) };
    }
  }

  /** The closed windows that late events have changed, in order, with their merges. Forgets them. */
  *takeCorrected(): Generator<{ readonly startMs: number; readonly merged: A | undefined }> {
    const starts = [...this.corrected].sort((a, b) => a - b);
    this.corrected.clear();
    const merge = this.#newMerge();
    for (const startMs of starts) yield { startMs, merged: this.#over(merge, startMs) };
  }

  #over(merge: SlidingMerge<A, Slice>, startMs: number): A | undefined {
    return merge.over(this.slices, startMs, startMs + this.#slicing.size);
  }
}
