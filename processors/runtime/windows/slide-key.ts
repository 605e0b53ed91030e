import { SlidingMerge, type MergeSource } from './sliding-merge.ts';
import { TimeList } from './time-list.ts';
import { stateKeyOf } from './window-operator.ts';

/** The events of a key at one moment. Their accumulator is in the store. */
export interface Moment {
  readonly timeMs: number;
  readonly stateKey: string;
}

/** The result of a moment: the merge of what lies in the window that ends with it; undefined where it has no event. */
export interface MomentResult<A> {
  readonly timeMs: number;
  readonly merged: A | undefined;
}

/** One key of sliding windows: an index of its moments. */
export class SlideKey<A> {
  readonly key: string;
  readonly moments = new TimeList<Moment>();
  /** The moment whose result is final next; infinite where there is none. */
  nextMs = Number.POSITIVE_INFINITY;
  /** Whether it is known when its moments are to be forgotten. */
  isLeaving = false;
  /** Times of events since the last emission. */
  changed: number[] = [];
  readonly #sizeMs: number;
  readonly #read: (stateKey: string) => A | undefined;
  readonly #newMerge: () => SlidingMerge<A, Moment>;
  readonly #keepsMerge: boolean;
  /** Of the results as they close; and of those that are emitted before, which run ahead. */
  #closing: SlidingMerge<A, Moment> | undefined;
  #ahead: SlidingMerge<A, Moment> | undefined;

  constructor(key: string, sizeMs: number, source: MergeSource<A>) {
    this.key = key;
    this.#sizeMs = sizeMs;
    this.#read = source.read;
    this.#newMerge = () => new SlidingMerge(source.merger, source.read);
    this.#keepsMerge = source.keepsMerge;
  }

  get isOpen(): boolean {
    return this.nextMs !== Number.POSITIVE_INFINITY;
  }

  /** The moment at a time, a new one where there was none. */
  momentAt(timeMs: number): Moment {
    const { last } = this.moments;
    const known = last?.timeMs === timeMs ? last : this.moments.find(timeMs);
    if (known !== undefined) return known;
    const moment = { timeMs, stateKey: stateKeyOf(timeMs, this.key) };
    this.moments.insert(moment);
    return moment;
  }

  /** A moment has a new accumulator: merges that have passed it begin anew. */
  touch(timeMs: number): void {
    if (this.#closing !== undefined && timeMs < this.#closing.endMs) this.#closing = undefined;
    if (this.#ahead !== undefined && timeMs < this.#ahead.endMs) this.#ahead = undefined;
  }

  /** The final result of the next moment; asked for one moment after the other. */
  close(): MomentResult<A> {
    if (this.#closing === undefined || !this.#keepsMerge) this.#closing = this.#newMerge();
    const moment = this.moments.find(this.nextMs);
    return { timeMs: this.nextMs, merged: moment && this.#over(this.#closing, moment) };
  }

  /** Time of the first moment behind one; infinite where there is none. */
  momentAfter(timeMs: number): number {
    return this.moments.at(this.moments.indexFrom(timeMs + 1))?.timeMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * The moments from `openFromMs` on that an event since the last call is in the window of, in order. Forgets the
   * changes.
   */
  *takeChanged(openFromMs: number): Generator<MomentResult<A>> {
    const times = this.changed.sort((a, b) => a - b);
    this.changed = [];
    let index = 0;
    // It has passed no moment that has changed, and so none of what is said now.
    if (this.#ahead === undefined || !this.#keepsMerge) this.#ahead = this.#newMerge();
    for (const changedMs of times) {
      index = Math.max(index, this.moments.indexFrom(Math.max(changedMs, openFromMs)));
      for (let moment = this.moments.at(index); moment !== undefined; moment = this.moments.at(++index)) {
        if (moment.timeMs > changedMs + this.#sizeMs) break;
        yield { timeMs: moment.timeMs, merged: this.#over(this.#ahead, moment) };
      }
    }
  }

  #over(merge: SlidingMerge<A, Moment>, { timeMs, stateKey }: Moment): A | undefined {
    // A moment whose only event was rolled back has no result.
    if (this.#read(stateKey) === undefined) return undefined;
    return merge.over(this.moments, timeMs - this.#sizeMs, timeMs + 1);
  }
}
