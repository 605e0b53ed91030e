/**
 * The slices that overlapping windows are put together from: each stretch from the start of a window to that of the
 * next is cut in two where an older window ends within it, so that every window is made of whole slices and events of
 * one slice are in the same windows. At most two slices for each slide, whatever the measures. (Paired windows:
 * Krishnamurthy, Wu, Franklin, "On-the-fly sharing for streamed aggregation", SIGMOD 2006; with the size a multiple
 * of the slide there is one slice for each slide, as with slices of their greatest common divisor.)
 *
 * Places are milliseconds, or numbers of events.
 */
export class PairedSlices {
  readonly size: number;
  readonly slide: number;
  readonly #offset: number;
  /** Length of the first slice of a pair; 0 where there are no pairs. */
  readonly #first: number;
  /** No window starts before. */
  readonly #origin: number;

  constructor({
    size,
    slide,
    offset,
  }: { readonly size: number; readonly slide: number; readonly offset: number }) {
    this.size = size;
    this.slide = slide;
    this.#offset = offset;
    this.#first = size % slide;
    this.#origin = this.lastStart(0);
  }

  /** Start of the last window that holds a place. */
  lastStart(place: number): number {
    return Math.floor((place - this.#offset) / this.slide) * this.slide + this.#offset;
  }

  /** Start of the first window that holds the place and does not end at or before `closedTo`. */
  firstStart(place: number, closedTo = Number.NEGATIVE_INFINITY): number {
    const start = this.lastStart(Math.max(place, closedTo) - this.size) + this.slide;
    return Math.max(start, this.#origin);
  }

  /** The slice that holds a place, its end excluded. */
  sliceOf(place: number): { readonly start: number; readonly end: number } {
    const start = this.lastStart(place);
    const middle = start + this.#first;
    if (this.#first === 0) return { start, end: start + this.slide };
    return place < middle ? { start, end: middle } : { start: middle, end: start + this.slide };
  }
}
