import { BinaryHeap } from '../../../platform/binary-heap.ts';

export interface Due<T> {
  readonly dueMs: number;
  readonly item: T;
}

interface Queued<T> extends Due<T> {
  readonly sequence: number;
}

/** What comes due, the earliest first; of equal times what was pushed first. Push and pop in O(log n). */
export class DueQueue<T> {
  readonly #heap = new BinaryHeap<Queued<T>>((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence);
  #sequence = 0;

  get size(): number {
    return this.#heap.size;
  }

  push(dueMs: number, item: T): void {
    this.#heap.push({ dueMs, item, sequence: this.#sequence++ });
  }

  /** Takes the first that is due at or before the limit. */
  popDue(limitMs: number): Due<T> | undefined {
    const top = this.#heap.peek();
    return top !== undefined && top.dueMs <= limitMs ? this.#heap.pop() : undefined;
  }
}

/** A due time for each key, never later than what it stands for: whoever pops one looks at what is really there. */
export class DueKeys {
  readonly #queue = new DueQueue<string>();
  readonly #dueMs = new Map<string, number>();

  get size(): number {
    return this.#dueMs.size;
  }

  /** Counts where it is the first of its key, or earlier than what is known. */
  offer(key: string, dueMs: number): void {
    const known = this.#dueMs.get(key);
    if (known !== undefined && known <= dueMs) return;
    this.#dueMs.set(key, dueMs);
    this.#queue.push(dueMs, key);
  }

  /** Takes the first that is due at or before the limit; its key has no due time afterwards. */
  popDue(limitMs: number): Due<string> | undefined {
    for (let due = this.#queue.popDue(limitMs); due !== undefined; due = this.#queue.popDue(limitMs)) {
      if (this.#dueMs.get(due.item) !== due.dueMs) continue;
      this.#dueMs.delete(due.item);
      return due;
    }
    return undefined;
  }
}
