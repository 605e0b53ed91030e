import type { PackedReader, PackedWriter } from './packed-bytes.ts';

/**
 * Counts by bucket index in one array over the indices that occur. At most `maxBuckets` indices, up to the highest one
 * added, are told apart: what lies below counts for the lowest of them. So the content does not depend on the order of
 * adding, whatever is collapsed.
 */
export class BucketCounts {
  readonly #maxBuckets: number;
  #counts = new Float64Array(0);
  /** Index of the bucket that the array begins with. */
  #first = 0;
  #highest = Number.NEGATIVE_INFINITY;
  #total = 0;

  constructor(maxBuckets: number) {
    this.#maxBuckets = maxBuckets;
  }

  get total(): number {
    return this.#total;
  }

  add(index: number, count: number): void {
    if (index > this.#highest) this.#raise(index);
    const bucket = Math.max(index, this.#lowest);
    if (bucket < this.#first) this.#cover(Math.max(bucket - this.#slack(bucket), this.#lowest), this.#end);
    const at = bucket - this.#first;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.#total += count;
  }

  merge(other: BucketCounts): void {
    other.forEach((index, count) => this.add(index, count));
  }

  /** Visits the buckets that hold something, ascending. */
  forEach(visit: (index: number, count: number) => void): void {
    this.#counts.forEach((count, at) => {
      if (count > 0) visit(this.#first + at, count);
    });
  }

  /** Index of the bucket that holds the value of a rank from 0 to total − 1, counted from the lowest bucket. */
  bucketOfRank(rank: number): number {
    let upTo = 0;
    const at = this.#counts.findIndex((count) => (upTo += count) > rank);
    return at < 0 ? this.#highest : this.#first + at;
  }

  /** The number of buckets, then of each its distance from the one before and its count. */
  pack(writer: PackedWriter): void {
    writer.varint(this.#counts.reduce((buckets, count) => (count > 0 ? buckets + 1 : buckets), 0));
    let before = 0;
    this.forEach((index, count) => {
      writer.signedVarint(index - before);
      writer.varint(count);
      before = index;
    });
  }

  static unpack(maxBuckets: number, reader: PackedReader): BucketCounts {
    const counts = new BucketCounts(maxBuckets);
    let index = 0;
    for (let left = reader.varint(); left > 0; left--) {
      index += reader.signedVarint();
      counts.add(index, reader.varint());
    }
    return counts;
  }

  get #lowest(): number {
    return this.#highest - this.#maxBuckets + 1;
  }

  /** Index behind the array's last bucket. */
  get #end(): number {
    return this.#first + this.#counts.length;
  }

  /** Makes the index the highest; collapses what is then too low. */
  #raise(index: number): void {
    if (this.#counts.length === 0) this.#first = index;
    this.#highest = index;
    if (index < this.#end) {
      this.#collapse();
      return;
    }
    this.#cover(Math.max(this.#first, this.#lowest), index + 1 + this.#slack(index));
  }

  /** Buckets to have in reserve beyond an index: a quarter of the span, so that growing is rare. */
  #slack(index: number): number {
    const span = Math.max(Math.abs(index - this.#first), this.#counts.length);
    return 4 + (Math.min(span, this.#maxBuckets) >> 2);
  }

  #cover(first: number, end: number): void {
    const old = this.#counts;
    const oldFirst = this.#first;
    this.#counts = new Float64Array(end - first);
    this.#first = first;
    old.forEach((count, at) => {
      const to = Math.max(oldFirst + at, first, this.#lowest) - first;
      this.#counts[to] = (this.#counts[to] ?? 0) + count;
    });
  }

  #collapse(): void {
    const end = this.#lowest - this.#first;
    for (let at = 0; at < end; at++) {
      this.#counts[end] = (this.#counts[end] ?? 0) + (this.#counts[at] ?? 0);
      this.#counts[at] = 0;
    }
  }
}
