/** Something with a place in a {@link TimeOrdered}: by time, of equal times by sequence. */
export interface Ordered {
  readonly timeMs: number;
  readonly sequence: number;
}

/** Items in one array: an insertion moves no more than these. */
const CHUNK = 256;
/** From how many dropped items on the first chunk moves together. */
const COMPACT_FROM = 16;

/**
 * Items by time and sequence, in sorted chunks. Appending and dropping the first are O(1) amortised; inserting anywhere
 * and finding are O(log n) and a move within one chunk, however many items there are.
 */
export class TimeOrdered<T extends Ordered> {
  /** None is empty. */
  readonly #chunks: T[][] = [];
  /** Dropped items at the beginning of the first chunk. */
  #head = 0;

  get first(): T | undefined {
    return this.#chunks[0]?.[this.#head];
  }

  insert(item: T): void {
    const last = this.#chunks.at(-1);
    if (last === undefined) this.#chunks.push([item]);
    else if (!comesBefore(item, last.at(-1) as T)) this.#append(last, item);
    else this.#insertWithin(item);
  }

  dropFirst(): void {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return;
    this.#head += 1;
    if (this.#head === chunk.length) this.#chunks.shift();
    else if (this.#head >= COMPACT_FROM && this.#head * 2 >= chunk.length) chunk.splice(0, this.#head);
    else return;
    this.#head = 0;
  }

  /** Visits the items from one time to another, both included, the earliest first. */
  forEachWithin(fromMs: number, toMs: number, visit: (item: T) => void): void {
    let index = this.#chunkFrom((last) => last.timeMs < fromMs);
    let at = this.#indexIn(index, (item) => item.timeMs < fromMs);
    for (let chunk = this.#chunks[index]; chunk !== undefined; chunk = this.#chunks[++index]) {
      for (; at < chunk.length; at++) {
        const item = chunk[at] as T;
        if (item.timeMs > toMs) return;
        visit(item);
      }
      at = 0;
    }
  }

  /** The last item at or before a time that is accepted. */
  findLast(untilMs: number, accepts: (item: T) => boolean): T | undefined {
    let index = this.#chunkFrom((last) => last.timeMs <= untilMs);
    let at = this.#indexIn(index, (item) => item.timeMs <= untilMs) - 1;
    for (; index >= 0; index--, at = (this.#chunks[index]?.length ?? 0) - 1) {
      const start = index === 0 ? this.#head : 0;
      for (; at >= start; at--) {
        const item = this.#chunks[index]?.[at] as T;
        if (accepts(item)) return item;
      }
    }
    return undefined;
  }

  #append(last: T[], item: T): void {
    if (last.length < CHUNK) last.push(item);
    else this.#chunks.push([item]);
  }

  #insertWithin(item: T): void {
    const index = this.#chunkFrom((last) => !comesBefore(item, last));
    const chunk = this.#chunks[index] as T[];
    chunk.splice(
      this.#indexIn(index, (other) => !comesBefore(item, other)),
      0,
      item,
    );
    if (chunk.length - (index === 0 ? this.#head : 0) <= CHUNK) return;
    if (index === 0) chunk.splice(0, this.#head);
    if (index === 0) this.#head = 0;
    this.#chunks.splice(index + 1, 0, chunk.splice(CHUNK >> 1));
  }

  /** Index of the first chunk whose last item is not before what is sought; the number of chunks where there is none. */
  #chunkFrom(isBefore: (last: T) => boolean): number {
    return firstIndex(0, this.#chunks.length, (index) => isBefore(this.#chunks[index]?.at(-1) as T));
  }

  #indexIn(index: number, isBefore: (item: T) => boolean): number {
    const chunk = this.#chunks[index] ?? [];
    return firstIndex(index === 0 ? this.#head : 0, chunk.length, (at) => isBefore(chunk[at] as T));
  }
}

function comesBefore(a: Ordered, b: Ordered): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence);
}

/** Binary search: the first index of the range that is not before what is sought; its end where all are. */
function firstIndex(start: number, end: number, isBefore: (index: number) => boolean): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
