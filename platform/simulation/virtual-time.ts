import { BinaryHeap } from '../binary-heap.ts';
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';

interface Entry {
  readonly atMs: number;
  /** Breaks ties: in the order of scheduling. */
  readonly order: number;
  call: (() => void) | undefined;
}

/**
 * A clock that moves only when everything that was to happen has happened. What is due runs one thing at a time, each to
 * its end with all that follows from it at once, so that a run is a function of what was scheduled: nothing of it depends
 * on the machine, as long as nobody waits by other means.
 */
export class VirtualTime {
  readonly #entries = new BinaryHeap<Entry>((a, b) => a.atMs - b.atMs || a.order - b.order);
  #nowMs = 0;
  #order = 0;
  /** Things that have run. */
  steps = 0;

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls back once, after so many milliseconds of its own time; the answer takes it back. */
  after(delayMs: number, call: () => void): () => void {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, call };
    this.#entries.push(entry);
    return () => {
      entry.call = undefined;
    };
  }

  /**
   * Lets time pass until `isOver`, which is asked after each step, or until the limit.
   * @returns false at the limit, or where nothing is left that could happen
   */
  async run(isOver: () => boolean, untilMs: number): Promise<boolean> {
    while (!isOver()) {
      const next = this.#entries.peek();
      if (next === undefined || next.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#entries.pop();
      if (next.call === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.steps += 1;
      next.call();
      // Everything that follows from it by promises alone.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return true;
  }

  /** The time of a machine whose clock was at `startMs` in the beginning. */
  scheduler(startMs: number, random: Random): Scheduler {
    return {
      now: () => startMs + Math.floor(this.#nowMs),
      elapsedMs: () => this.#nowMs,
      random: () => random.next(),
      sleep: (ms, signal) => sleepOn((delayMs, call) => this.after(delayMs, call), ms, signal),
      after: (ms, call) => this.after(ms, call),
      yieldToOthers: () => sleepOn((delayMs, call) => this.after(delayMs, call), 0),
    };
  }
}

/** A wait that an abort ends early. */
export function sleepOn(after: Scheduler['after'], ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      forget();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const forget = after(ms, done);
    signal?.addEventListener('abort', done);
  });
}
