import { BinaryHeap } from './binary-heap.ts';
import type { KeyedStore } from '../state/keyed-store.ts';

interface Due {
  readonly key: string;
  readonly dueMs: number;
}

/**
 * Event-time timers of one task: one for each key, kept in a keyed store, so that they survive a restart. The heap may
 * hold entries that were moved or cancelled; the store decides when they come up.
 */
export class EventTimers {
  readonly #store: KeyedStore<number>;
  readonly #heap = new BinaryHeap<Due>((a, b) => a.dueMs - b.dueMs);
  readonly #onDue: (key: string, dueMs: number) => void;

  constructor(store: KeyedStore<number>, onDue: (key: string, dueMs: number) => void) {
    this.#store = store;
    this.#onDue = onDue;
  }

  /** Sets or moves the timer of a key. */
  set(key: string, dueMs: number): void {
    this.#store.set(key, dueMs);
    this.#heap.push({ key, dueMs });
  }

  cancel(key: string): void {
    this.#store.delete(key);
  }

  dueMs(key: string): number | undefined {
    return this.#store.get(key);
  }

  /** Builds the heap from the store, after a restore. */
  rebuild(): void {
    for (const [key, dueMs] of this.#store.entries()) this.#heap.push({ key, dueMs });
  }

  /** Fires every timer due at or before the watermark, the earliest first, also those that firing sets. */
  advance(watermarkMs: number): void {
    for (
      let top = this.#heap.peek();
      top !== undefined && top.dueMs <= watermarkMs;
      top = this.#heap.peek()
    ) {
      this.#heap.pop();
      if (this.#store.get(top.key) !== top.dueMs) continue;
      this.#store.delete(top.key);
      this.#onDue(top.key, top.dueMs);
    }
  }
}
