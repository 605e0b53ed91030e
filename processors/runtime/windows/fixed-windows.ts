import type { Aggregator } from '../aggregates/aggregator.ts';
import { OK, type EmitReason, type StepResult } from '../step-result.ts';
import type { TimeReason } from '../stateful-part.ts';
import { packedJson, packingOf } from '../aggregates/accumulator-codec.ts';
import { CloseHorizon } from './close-horizon.ts';
import { DueQueue } from './due-queue.ts';
import type { Span } from './span.ts';
import {
  addTo,
  parseStateKey,
  stateKeyOf,
  type OperatorOptions,
  type Store,
  type WindowOperator,
} from './window-operator.ts';
import type { WindowResult } from './window-result.ts';

/** One key of one window. Its accumulator is in the store. */
interface Pane {
  readonly key: string;
  readonly stateKey: string;
  readonly span: Span;
  /** Since its last emission. */
  isChanged: boolean;
}

interface HeldWindow extends Span {
  readonly panes: Map<string, Pane>;
  isClosed: boolean;
}

export interface FixedWindowsOptions<V, A, R> extends OperatorOptions<V, A, R> {
  /** The window that holds a time. */
  readonly spanOf: (timeMs: number) => Span;
  readonly graceMs: number;
  readonly correctionsMs: number;
}

/**
 * Windows side by side, each event in one: tumbling windows and calendar days. A window takes events until the
 * watermark has reached its end plus the grace; then it closes. What was closed is kept for `correctionsMs` more, and
 * late events correct it.
 */
export class FixedWindows<V, A, R> implements WindowOperator<V> {
  readonly #aggregator: Aggregator<V, A, R>;
  readonly #store: Store<A>;
  readonly #spanOf: (timeMs: number) => Span;
  readonly #correctionsMs: number;
  readonly #tracksChanges: boolean;
  readonly #changedAfterRestart: boolean;
  readonly #onResult: (result: WindowResult<R>) => void;
  readonly #horizon: CloseHorizon;
  readonly #windows = new Map<number, HeldWindow>();
  /** When each window closes, and after that when it is forgotten; in time of the horizon. */
  readonly #queue = new DueQueue<HeldWindow>();
  #latest: HeldWindow | undefined;
  #openWindows = 0;
  #changed: Pane[] = [];
  readonly #corrected = new Set<Pane>();

  constructor(options: FixedWindowsOptions<V, A, R>) {
    const { context, name, layout, aggregator, graceMs } = options;
    this.#aggregator = aggregator;
    this.#store = context.store(name, { layout, codec: packedJson(layout, packingOf(aggregator)) });
    this.#horizon = new CloseHorizon(context.store<number>(`${name}-horizon`), graceMs);
    this.#spanOf = options.spanOf;
    this.#correctionsMs = options.correctionsMs;
    this.#tracksChanges = options.tracksChanges;
    this.#changedAfterRestart = options.changedAfterRestart;
    this.#onResult = (result) => options.onResult(result);
  }

  get isPending(): boolean {
    return this.#openWindows > 0;
  }

  add(key: string, value: V, eventTimeMs: number): StepResult {
    const latest = this.#latest;
    const isInLatest = latest !== undefined && eventTimeMs >= latest.startMs && eventTimeMs < latest.endMs;
    const span = isInLatest ? latest : this.#spanOf(eventTimeMs);
    if (span.endMs <= this.#horizon.ms) return this.#addLate(key, value, span);
    const window = isInLatest ? latest : this.#hold(span, false);
    this.#latest = window;
    const pane = window.panes.get(key) ?? this.#newPane(window, key);
    addTo(this.#store, this.#aggregator, pane.stateKey, value);
    if (this.#tracksChanges) this.#markChanged(pane);
    return OK;
  }

  rebuild(watermarkMs: number): void {
    this.#horizon.restore(watermarkMs);
    for (const [stateKey] of this.#store.entries()) {
      const { timeMs: startMs, key } = parseStateKey(stateKey);
      const { endMs } = this.#spanOf(startMs);
      const window = this.#hold({ startMs, endMs }, endMs <= this.#horizon.emittedMs);
      const pane = this.#newPane(window, key);
      if (this.#changedAfterRestart && !window.isClosed) this.#markChanged(pane);
    }
  }

  advance(watermarkMs: number, reason: TimeReason): void {
    const horizonMs = this.#horizon.advance(watermarkMs);
    for (let due = this.#queue.popDue(horizonMs); due !== undefined; due = this.#queue.popDue(horizonMs)) {
      if (due.item.isClosed) this.#forget(due.item);
      else this.#close(due.item, reason);
    }
  }

  emitChanged(reason: 'update' | 'early'): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const pane of changed) {
      // What closed meanwhile has been emitted.
      if (!pane.isChanged) continue;
      pane.isChanged = false;
      this.#emit(pane, reason);
    }
  }

  settle(): void {
    for (const pane of this.#corrected) this.#emit(pane, 'correction');
    this.#corrected.clear();
    if (this.#windows.size > 0) this.#horizon.save();
  }

  #addLate(key: string, value: V, { startMs, endMs }: Span): StepResult {
    const late = { kind: 'late', windowStartMs: startMs, windowEndMs: endMs } as const;
    if (endMs + this.#correctionsMs <= this.#horizon.ms) return late;
    const window = this.#hold({ startMs, endMs }, true);
    const pane = window.panes.get(key) ?? this.#newPane(window, key);
    addTo(this.#store, this.#aggregator, pane.stateKey, value);
    this.#corrected.add(pane);
    return { ...late, corrected: true };
  }

  #close(window: HeldWindow, reason: TimeReason): void {
    window.isClosed = true;
    this.#openWindows -= 1;
    for (const pane of window.panes.values()) {
      pane.isChanged = false;
      this.#emit(pane, reason);
    }
    if (this.#correctionsMs === 0) this.#forget(window);
    else this.#queue.push(window.endMs + this.#correctionsMs, window);
  }

  #forget(window: HeldWindow): void {
    this.#windows.delete(window.startMs);
    for (const pane of window.panes.values()) {
      if (this.#corrected.delete(pane)) this.#emit(pane, 'correction');
      this.#store.delete(pane.stateKey);
    }
  }

  #emit({ key, stateKey, span }: Pane, reason: EmitReason): void {
    const accumulator = this.#store.get(stateKey);
    // Of a step that was rolled back.
    if (accumulator === undefined) return;
    this.#onResult({
      key,
      windowStartMs: span.startMs,
      windowEndMs: span.endMs,
      value: this.#aggregator.result(accumulator),
      reason,
      eventTimeMs: span.endMs - 1,
    });
  }

  #hold({ startMs, endMs }: Span, isClosed: boolean): HeldWindow {
    const known = this.#windows.get(startMs);
    if (known !== undefined) return known;
    const window = { startMs, endMs, panes: new Map<string, Pane>(), isClosed };
    this.#windows.set(startMs, window);
    this.#queue.push(isClosed ? endMs + this.#correctionsMs : endMs, window);
    if (!isClosed) this.#openWindows += 1;
    return window;
  }

  #newPane(window: HeldWindow, key: string): Pane {
    const pane = { key, stateKey: stateKeyOf(window.startMs, key), span: window, isChanged: false };
    window.panes.set(key, pane);
    return pane;
  }

  #markChanged(pane: Pane): void {
    if (pane.isChanged) return;
    pane.isChanged = true;
    this.#changed.push(pane);
  }
}
