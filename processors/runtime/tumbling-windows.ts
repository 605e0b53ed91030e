import type { KeyedStore } from './keyed-store.ts';
import { OK, type EmitReason, type StepResult } from './step-result.ts';

export interface TumblingWindowOptions<A> {
  readonly name: string;
  readonly sizeMs: number;
  /** How long after its end, in event time, a window still takes events. */
  readonly graceMs: number;
  /** An empty accumulator; JSON. */
  init(): A;
  /** Writes the absolute value of a window: on each commit in which it changed, and when it closes. */
  emit(result: WindowResult<A>): void;
}

export interface WindowResult<A> {
  readonly key: string;
  readonly windowStartMs: number;
  readonly value: A;
  readonly reason: EmitReason;
}

/**
 * Tumbling windows in event time: [n·size, (n+1)·size). A window closes when the watermark reaches its end plus the
 * grace; an event for a closed window is late. Every result is the absolute value so far, never a delta.
 */
export class TumblingWindows<A> {
  readonly #options: TumblingWindowOptions<A>;
  readonly #store: KeyedStore<A>;
  /** Keys of the open windows by window start. */
  readonly #open = new Map<number, Set<string>>();
  /** Changed since the last update emission. */
  readonly #changed = new Map<string, { readonly key: string; readonly windowStartMs: number }>();
  #watermarkMs = Number.NEGATIVE_INFINITY;
  /** No open window closes before the watermark reaches this. */
  #nextCloseMs = Number.POSITIVE_INFINITY;

  constructor(store: KeyedStore<A>, options: TumblingWindowOptions<A>) {
    this.#store = store;
    this.#options = options;
  }

  /** Adds an event to its window; `late` where the window is closed, and then nothing was changed. */
  add(key: string, eventTimeMs: number, update: (accumulator: A) => void): StepResult {
    const { sizeMs } = this.#options;
    const windowStartMs = Math.floor(eventTimeMs / sizeMs) * sizeMs;
    if (this.#closesAtMs(windowStartMs) <= this.#watermarkMs)
      return { kind: 'late', windowStartMs, windowEndMs: windowStartMs + sizeMs };
    const stateKey = `${windowStartMs}|${key}`;
    const accumulator = this.#store.get(stateKey) ?? this.#options.init();
    update(accumulator);
    this.#store.set(stateKey, accumulator);
    this.#track(windowStartMs, key);
    if (!this.#changed.has(stateKey)) this.#changed.set(stateKey, { key, windowStartMs });
    return OK;
  }

  /** Emits every window that changed since the last call. */
  emitUpdates(): void {
    for (const [stateKey, { key, windowStartMs }] of this.#changed) {
      const value = this.#store.get(stateKey);
      if (value !== undefined) this.#options.emit({ key, windowStartMs, value, reason: 'update' });
    }
    this.#changed.clear();
  }

  /** Closes what the watermark has passed, the oldest windows first. */
  advance(watermarkMs: number, reason: 'watermark' | 'idle'): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, watermarkMs);
    if (this.#watermarkMs < this.#nextCloseMs) return;
    const starts = [...this.#open.keys()].sort((a, b) => a - b);
    for (const windowStartMs of starts) {
      this.#nextCloseMs = this.#closesAtMs(windowStartMs);
      if (this.#nextCloseMs > this.#watermarkMs) return;
      for (const key of this.#open.get(windowStartMs) ?? []) this.#close(windowStartMs, key, reason);
      this.#open.delete(windowStartMs);
    }
    this.#nextCloseMs = Number.POSITIVE_INFINITY;
  }

  /** Finds the open windows again, after a restore, and where the watermark was. */
  rebuild(watermarkMs: number): void {
    this.#watermarkMs = watermarkMs;
    for (const [stateKey] of this.#store.entries()) {
      const bar = stateKey.indexOf('|');
      this.#track(Number(stateKey.slice(0, bar)), stateKey.slice(bar + 1));
    }
  }

  #close(windowStartMs: number, key: string, reason: 'watermark' | 'idle'): void {
    const stateKey = `${windowStartMs}|${key}`;
    const value = this.#store.get(stateKey);
    if (value === undefined) return;
    this.#options.emit({ key, windowStartMs, value, reason });
    this.#store.delete(stateKey);
    this.#changed.delete(stateKey);
  }

  #track(windowStartMs: number, key: string): void {
    const keys = this.#open.get(windowStartMs);
    if (keys !== undefined) {
      keys.add(key);
      return;
    }
    this.#open.set(windowStartMs, new Set([key]));
    this.#nextCloseMs = Math.min(this.#nextCloseMs, this.#closesAtMs(windowStartMs));
  }

  #closesAtMs(windowStartMs: number): number {
    return windowStartMs + this.#options.sizeMs + this.#options.graceMs;
  }
}
