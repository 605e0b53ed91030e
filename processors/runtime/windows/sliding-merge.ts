import type { Timed, TimeList } from './time-list.ts';

/** How accumulators come together. Never changes `other`. */
export interface Merger<A> {
  init(): A;
  merge(into: A, other: A): A;
}

/** What the merges of a key are made of. */
export interface MergeSource<A> {
  readonly merger: Merger<A>;
  readonly read: (stateKey: string) => A | undefined;
  /**
   * Whether a merge may go on from one result to the next, which then costs O(1); otherwise each reads all that it
   * consists of, so that it can be explained.
   */
  readonly keepsMerge: boolean;
}

/** Where an accumulator of a moment is kept. */
export interface Stored extends Timed {
  readonly stateKey: string;
}

/**
 * The merge of all accumulators in an interval that only moves forward, with O(1) merges for each accumulator that it
 * passes, however many are in the interval: two stacks, of which the older holds the merges of its suffixes and the
 * younger one merge of all. When the older is used up, the younger is turned into it. (The two-stacks queue as in
 * Tangwongsan, Hirzel, Schneider, "Low-latency sliding-window aggregation in worst-case constant time", DEBS 2017.)
 *
 * Accumulators are read from the store when they are passed and when the stacks are turned; whoever changes one before
 * `endMs` must start with a new instance.
 */
export class SlidingMerge<A, I extends Stored> {
  readonly #merger: Merger<A>;
  readonly #read: (stateKey: string) => A | undefined;
  /** Merges of suffixes, the one of the oldest item last. */
  #front: { readonly timeMs: number; readonly merged: A }[] = [];
  #backItems: I[] = [];
  #back: A | undefined;
  /** Everything before was passed. */
  #endMs = Number.NEGATIVE_INFINITY;

  constructor(merger: Merger<A>, read: (stateKey: string) => A | undefined) {
    this.#merger = merger;
    this.#read = read;
  }

  get endMs(): number {
    return this.#endMs;
  }

  /**
   * The merge of what the list holds from `fromMs` to before `untilMs`, neither of them less than in the call before;
   * undefined where there is nothing. It must not be changed.
   */
  over(items: TimeList<I>, fromMs: number, untilMs: number): A | undefined {
    let index = items.indexFrom(Math.max(this.#endMs, fromMs));
    for (let item = items.at(index); item !== undefined && item.timeMs < untilMs; item = items.at(++index))
      this.#push(item);
    this.#endMs = untilMs;
    this.#dropBefore(fromMs);
    const front = this.#front[this.#front.length - 1]?.merged;
    if (front === undefined) return this.#back;
    if (this.#back === undefined) return front;
    return this.#merger.merge(this.#copy(front), this.#back);
  }

  #push(item: I): void {
    const accumulator = this.#read(item.stateKey);
    if (accumulator === undefined) return;
    this.#backItems.push(item);
    this.#back =
      this.#back === undefined ? this.#copy(accumulator) : this.#merger.merge(this.#back, accumulator);
  }

  #dropBefore(fromMs: number): void {
    while (this.#isBefore(this.#front[this.#front.length - 1], fromMs)) this.#front.pop();
    if (this.#front.length === 0 && this.#isBefore(this.#backItems[0], fromMs)) this.#turn(fromMs);
  }

  #turn(fromMs: number): void {
    let suffix: A | undefined;
    for (let index = this.#backItems.length - 1; index >= 0; index--) {
      const item = this.#backItems[index] as I;
      if (item.timeMs < fromMs) break;
      const accumulator = this.#read(item.stateKey);
      if (accumulator === undefined) continue;
      const merged = this.#copy(accumulator);
      suffix = suffix === undefined ? merged : this.#merger.merge(merged, suffix);
      this.#front.push({ timeMs: item.timeMs, merged: suffix });
    }
    this.#backItems = [];
    this.#back = undefined;
  }

  #isBefore(item: Timed | undefined, timeMs: number): boolean {
    return item !== undefined && item.timeMs < timeMs;
  }

  #copy(accumulator: A): A {
    return this.#merger.merge(this.#merger.init(), accumulator);
  }
}
