import { BinaryHeap } from '../../../platform/binary-heap.ts';
import type { KeyedStore } from '../state/keyed-store.ts';

interface Due {
  readonly key: string;
  readonly dueMs: number;
}

/** The heap is made anew when it holds this many more than twice the timers there are. */
const HEAP_SLACK = 1_024;

/**
 * Timers of one task, by event time or by the clock: one for each key, kept in a keyed store, so that they survive a
 * restart. The heap is an index of the store and may hold what was moved, cancelled or undone: for each timer it has an
 * item that is due no later, and the store decides when that comes up.
 */
export class EventTimers {
  readonly #store: KeyedStore<number>;
  readonly #onDue: (key: string, dueMs: number) => void;
  #heap = newHeap();

  constructor(store: KeyedStore<number>, onDue: (key: string, dueMs: number) => void) {
    this.#store = store;
    this.#onDue = onDue;
    store.onPutBack = (key, dueMs) => this.#heap.push({ key, dueMs });
  }

  /** Sets or moves the timer of a key. One that is moved on and on costs no more than the first time. */
  set(key: string, dueMs: number): void {
    const beforeMs = this.#store.get(key);
    this.#store.set(key, dueMs);
    if (beforeMs !== undefined && beforeMs <= dueMs) return;
    if (this.#heap.size >= 2 * this.#store.size + HEAP_SLACK) this.rebuild();
    else this.#heap.push({ key, dueMs });
  }

  cancel(key: string): void {
    this.#store.delete(key);
  }

  dueMs(key: string): number | undefined {
    return this.#store.get(key);
  }

  /** Builds the heap from the store. */
  rebuild(): void {
    this.#heap = newHeap();
    for (const [key, dueMs] of this.#store.entries()) this.#heap.push({ key, dueMs });
  }

  /** Fires every timer due at or before a time, the earliest first and of one time by key, also those that firing sets. */
  advance(timeMs: number): void {
    for (let top = this.#heap.peek(); top !== undefined && top.dueMs <= timeMs; top = this.#heap.peek()) {
      this.#heap.pop();
      const dueMs = this.#store.get(top.key);
      if (dueMs === undefined || dueMs < top.dueMs) continue;
      if (dueMs > top.dueMs) {
        this.#heap.push({ key: top.key, dueMs });
        continue;
      }
      this.#store.delete(top.key);
      this.#onDue(top.key, dueMs);
    }
  }

  /** As a part of a task that follows its watermark. */
  byEventTime() {
    const store = this.#store;
    return {
      rebuild: () => this.rebuild(),
      advance: (watermarkMs: number) => this.advance(watermarkMs),
      get isPending() {
        return store.size > 0;
      },
    };
  }

  /** As a part of a task that follows the clock. */
  byClock() {
    return { rebuild: () => this.rebuild(), tick: (nowMs: number) => this.advance(nowMs) };
  }
}

function newHeap(): BinaryHeap<Due> {
  return new BinaryHeap((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1));
}
