import { BucketCounts } from './bucket-counts.ts';
import { PackedReader, PackedWriter } from './packed-bytes.ts';

/** Smaller magnitudes lose digits as doubles, and count as zero. */
const LEAST_NORMAL = 2 ** -1022;

export interface DDSketchOptions {
  /** α: every quantile is within α times its value. */
  readonly relativeError: number;
  /** Buckets for each sign. */
  readonly maxBuckets: number;
}

/**
 * DDSketch (Masson, Rim and Lee, PVLDB 12, 2019): counts of magnitudes in buckets (γ^(i−1), γ^i], γ = (1+α)/(1−α), one
 * row of buckets for each sign and a count of zeros, besides the exact minimum and maximum. Where the magnitudes of one
 * sign span more than γ^maxBuckets, the smallest are collapsed: quantiles that fall among those are then too far from
 * zero, all others keep their bound.
 */
export class DDSketch {
  readonly #relativeError: number;
  readonly #maxBuckets: number;
  readonly #logGamma: number;
  readonly #indexScale: number;
  #positive: BucketCounts;
  #negative: BucketCounts;
  #zeros = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor({ relativeError, maxBuckets }: DDSketchOptions) {
    this.#relativeError = relativeError;
    this.#maxBuckets = maxBuckets;
    this.#logGamma = logGammaOf(relativeError);
    this.#indexScale = 1 / this.#logGamma;
    this.#positive = new BucketCounts(maxBuckets);
    this.#negative = new BucketCounts(maxBuckets);
  }

  get count(): number {
    return this.#positive.total + this.#zeros + this.#negative.total;
  }

  /** Adds a finite number. */
  add(x: number): void {
    if (x >= LEAST_NORMAL) this.#positive.add(Math.ceil(Math.log(x) * this.#indexScale), 1);
    else if (x <= -LEAST_NORMAL) this.#negative.add(Math.ceil(Math.log(-x) * this.#indexScale), 1);
    else this.#zeros += 1;
    if (x < this.#min) this.#min = x;
    if (x > this.#max) this.#max = x;
  }

  /** Takes in another sketch of the same options. */
  merge(other: DDSketch): void {
    this.#positive.merge(other.#positive);
    this.#negative.merge(other.#negative);
    this.#zeros += other.#zeros;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /**
   * The value of rank ⌊q·(count − 1)⌋, counted from 0, within the relative error; the first and the last are exact.
   * Undefined where there is none.
   */
  quantile(q: number): number | undefined {
    const { count } = this;
    if (count === 0) return undefined;
    const negatives = this.#negative.total;
    const rank = Math.floor(q * (count - 1));
    if (rank === 0) return this.#min;
    if (rank === count - 1) return this.#max;
    if (rank < negatives)
      return this.#clamp(-this.#middle(this.#negative.bucketOfRank(negatives - 1 - rank)));
    if (rank < negatives + this.#zeros) return this.#clamp(0);
    return this.#clamp(this.#middle(this.#positive.bucketOfRank(rank - negatives - this.#zeros)));
  }

  /** Base64, empty where nothing was added; the same for the same numbers in any order. */
  pack(): string {
    if (this.count === 0) return '';
    const writer = new PackedWriter();
    writer.float64(this.#min);
    writer.float64(this.#max);
    writer.varint(this.#zeros);
    this.#negative.pack(writer);
    this.#positive.pack(writer);
    return writer.base64();
  }

  static unpack(options: DDSketchOptions, base64: string): DDSketch {
    const sketch = new DDSketch(options);
    if (base64 === '') return sketch;
    const reader = new PackedReader(base64);
    sketch.#min = reader.float64();
    sketch.#max = reader.float64();
    sketch.#zeros = reader.varint();
    sketch.#negative = BucketCounts.unpack(sketch.#maxBuckets, reader);
    sketch.#positive = BucketCounts.unpack(sketch.#maxBuckets, reader);
    return sketch;
  }

  /** The number from which both ends of a bucket are α of their own value away: 2γ^i/(γ+1) = γ^i·(1−α). */
  #middle(index: number): number {
    return Math.exp(index * this.#logGamma) * (1 - this.#relativeError);
  }

  /** A bucket may reach beyond the numbers in it, never they beyond the exact extremes. */
  #clamp(x: number): number {
    return Math.min(Math.max(x, this.#min), this.#max);
  }
}

/** ln γ. */
export function logGammaOf(relativeError: number): number {
  return Math.log1p(relativeError) - Math.log1p(-relativeError);
}
