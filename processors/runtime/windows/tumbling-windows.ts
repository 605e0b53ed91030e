import type { KeyedStore } from '../state/keyed-store.ts';
import { OK, type EmitReason, type StepResult } from '../step-result.ts';

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

/** One key of one open window. */
interface Pane<A> {
  readonly key: string;
  readonly windowStartMs: number;
  readonly value: A;
  /** Since the last update emission. */
  isChanged: boolean;
}

/**
 * Tumbling windows in event time: [n·size, (n+1)·size). A window closes when the watermark reaches its end plus the
 * grace; an event for a closed window is late. Every result is the absolute value so far, never a delta. The open
 * windows are worked on here; the store gets their values with each emission, for the changelog.
 */
export class TumblingWindows<A> {
  readonly #options: TumblingWindowOptions<A>;
  readonly #store: KeyedStore<A>;
  /** Panes by window start and key. */
  readonly #open = new Map<number, Map<string, Pane<A>>>();
  #changed: Pane<A>[] = [];
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
    const panes = this.#window(windowStartMs);
    let pane = panes.get(key);
    if (pane === undefined) {
      pane = { key, windowStartMs, value: this.#options.init(), isChanged: false };
      panes.set(key, pane);
    }
    update(pane.value);
    if (!pane.isChanged) {
      pane.isChanged = true;
      this.#changed.push(pane);
    }
    return OK;
  }

  /** Emits every window that changed since the last call. */
  emitUpdates(): void {
    for (const pane of this.#changed) {
      // A pane that was closed meanwhile has been emitted for good.
      if (!pane.isChanged) continue;
      pane.isChanged = false;
      this.#store.set(stateKey(pane), pane.value);
      this.#emit(pane, 'update');
    }
    this.#changed = [];
  }

  /** Closes what the watermark has passed, the oldest windows first. */
  advance(watermarkMs: number, reason: 'watermark' | 'idle'): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, watermarkMs);
    if (this.#watermarkMs < this.#nextCloseMs) return;
    const starts = [...this.#open.keys()].sort((a, b) => a - b);
    for (const windowStartMs of starts) {
      this.#nextCloseMs = this.#closesAtMs(windowStartMs);
      if (this.#nextCloseMs > this.#watermarkMs) return;
      for (const pane of this.#open.get(windowStartMs)?.values() ?? []) {
        pane.isChanged = false;
        this.#store.delete(stateKey(pane));
        this.#emit(pane, reason);
      }
      this.#open.delete(windowStartMs);
    }
    this.#nextCloseMs = Number.POSITIVE_INFINITY;
  }

  /** Finds the open windows again, after a restore, and where the watermark was. */
  rebuild(watermarkMs: number): void {
    this.#watermarkMs = watermarkMs;
    for (const [key, value] of this.#store.entries()) {
      const bar = key.indexOf('|');
      const pane = {
        key: key.slice(bar + 1),
        windowStartMs: Number(key.slice(0, bar)),
        value,
        isChanged: false,
      };
      this.#window(pane.windowStartMs).set(pane.key, pane);
    }
  }

  #emit({ key, windowStartMs, value }: Pane<A>, reason: EmitReason): void {
    this.#options.emit({ key, windowStartMs, value, reason });
  }

  #window(windowStartMs: number): Map<string, Pane<A>> {
    const known = this.#open.get(windowStartMs);
    if (known !== undefined) return known;
    const panes = new Map<string, Pane<A>>();
    this.#open.set(windowStartMs, panes);
    this.#nextCloseMs = Math.min(this.#nextCloseMs, this.#closesAtMs(windowStartMs));
    return panes;
  }

  #closesAtMs(windowStartMs: number): number {
    return windowStartMs + this.#options.sizeMs + this.#options.graceMs;
  }
}

function stateKey({ windowStartMs, key }: { readonly windowStartMs: number; readonly key: string }): string {
  return `${windowStartMs}|${key}`;
}
