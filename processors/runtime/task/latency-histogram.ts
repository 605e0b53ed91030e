const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);

/**
 * Counts of durations in logarithmic buckets: quantiles within 2 % of the value in constant memory (the mapping of
 * DDSketch, Masson et al., VLDB 2019).
 */
export class LatencyHistogram {
  #counts = new Map<number, number>();
  #total = 0;

  get count(): number {
    return this.#total;
  }

  /** Records a duration in milliseconds; below 0.01 ms counts as 0.01 ms. */
  record(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, 0.01)) / LOG_GROWTH);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
  }

  /** Value at a quantile from 0 to 1, milliseconds; 0 where nothing was recorded. */
  quantile(q: number): number {
    let remaining = Math.max(1, Math.ceil(q * this.#total));
    for (const bucket of [...this.#counts.keys()].sort((a, b) => a - b)) {
      remaining -= this.#counts.get(bucket) ?? 0;
      if (remaining <= 0) return (2 * GROWTH ** bucket) / (1 + GROWTH);
    }
    return 0;
  }

  /** Forgets everything; the next quantiles are of what follows. */
  reset(): void {
    this.#counts = new Map();
    this.#total = 0;
  }
}
