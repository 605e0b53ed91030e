import type { PartitionLog } from './partition-log.ts';

/** Bounds the memory of the latest blocks: over the budget the oldest block of all partitions goes first. */
export class HotCache {
  readonly #maxBytes: number;
  #order: PartitionLog[] = [];
  #from = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Tells that `partition` has just kept a block of this many bytes. */
  added(partition: PartitionLog, bytes: number): void {
    this.#order.push(partition);
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes && this.#from < this.#order.length) this.#evictOldest();
  }

  #evictOldest(): void {
    this.#bytes -= this.#order[this.#from]?.evict() ?? 0;
    this.#from++;
    if (this.#from * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#from);
      this.#from = 0;
    }
  }
}
