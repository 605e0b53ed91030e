/** Something at a place in time, or at another place that only grows. */
export interface Timed {
  readonly timeMs: number;
}

/** From how many dropped items on the list moves together. */
const COMPACT_FROM = 32;

/** Items by time, one for each time. Appending and dropping the first are O(1) amortised, finding is O(log n). */
export class TimeList<T extends Timed> {
  readonly #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Index of the first item at or after a time; the length where there is none. */
  indexFrom(timeMs: number): number {
    const { last } = this;
    if (last === undefined || last.timeMs < timeMs) return this.length;
    let low = this.#head;
    let high = this.#items.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle] as T).timeMs < timeMs) low = middle + 1;
      else high = middle;
    }
    return low - this.#head;
  }

  find(timeMs: number): T | undefined {
    const item = this.at(this.indexFrom(timeMs));
    return item?.timeMs === timeMs ? item : undefined;
  }

  /** O(n) in the number of later items. There must be none at the same time. */
  insert(item: T): void {
    const { last } = this;
    if (last === undefined || last.timeMs < item.timeMs) this.#items.push(item);
    else this.#items.splice(this.#head + this.indexFrom(item.timeMs), 0, item);
  }

  dropFirst(): void {
    this.#head += 1;
    if (this.#head < COMPACT_FROM || this.#head * 2 < this.#items.length) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}
