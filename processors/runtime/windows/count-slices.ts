import type { PairedSlices } from './paired-slices.ts';
import { SlidingMerge, type MergeSource, type Stored } from './sliding-merge.ts';
import { TimeList } from './time-list.ts';
import { stateKeyOf, type Store } from './window-operator.ts';

interface KeyIndex<A> {
  readonly slices: TimeList<Stored>;
  readonly merge: SlidingMerge<A, Stored>;
  /** Place behind the last slice. Where it is not what the state says, a step was rolled back. */
  endsAt: number;
}

/** The full slices of overlapping count windows, each with its place: the number of the first event in it. */
export class CountSlices<A> {
  readonly #slicing: PairedSlices;
  readonly #store: Store<A>;
  readonly #source: Pick<MergeSource<A>, 'merger' | 'keepsMerge'>;
  readonly #index = new Map<string, KeyIndex<A>>();

  /** @param keepsMerge as in {@link MergeSource} */
  constructor(slicing: PairedSlices, store: Store<A>, source: Pick<MergeSource<A>, 'merger' | 'keepsMerge'>) {
    this.#slicing = slicing;
    this.#store = store;
    this.#source = source;
  }

  /** A slice is full; `place` is the number of its first event. */
  push(key: string, place: number, slice: A): void {
    const index = this.#indexOf(key, place);
    const stateKey = stateKeyOf(place, key);
    this.#store.set(stateKey, slice);
    index.slices.insert({ timeMs: place, stateKey });
    index.endsAt = this.#slicing.sliceOf(place).end;
  }

  /** The merge of the full slices from one place to before another; both only grow. Must not be changed. */
  over(key: string, from: number, until: number): A | undefined {
    const { merge, slices } = this.#indexOf(key, until);
    return merge.over(slices, from, until);
  }

  /** Forgets the slices before a place. `until` is the place behind the last one. */
  drop(key: string, before: number, until: number): void {
    const { slices } = this.#indexOf(key, until);
    for (let first = slices.first; first !== undefined && first.timeMs < before; first = slices.first) {
      this.#store.delete(first.stateKey);
      slices.dropFirst();
    }
  }

  forget(key: string, until: number): void {
    this.drop(key, until, until);
    this.#index.delete(key);
  }

  /** Makes the index of a key from the numbers of its events, where it is not up to date. */
  #indexOf(key: string, endsAt: number): KeyIndex<A> {
    const known = this.#index.get(key);
    if (known?.endsAt === endsAt && this.#source.keepsMerge) return known;
    const slices = new TimeList<Stored>();
    // No window that starts earlier is still to come.
    let place = this.#slicing.lastStart(Math.max(0, endsAt - this.#slicing.size));
    for (; place < endsAt; place = this.#slicing.sliceOf(place).end)
      slices.insert({ timeMs: place, stateKey: stateKeyOf(place, key) });
    const merge = new SlidingMerge<A, Stored>(this.#source.merger, (stateKey) => this.#store.get(stateKey));
    const made = { slices, merge, endsAt };
    this.#index.set(key, made);
    return made;
  }
}
