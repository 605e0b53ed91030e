import type { Aggregator } from '../aggregates/aggregator.ts';
import { OK, type EmitReason, type StepResult } from '../step-result.ts';
import type { TimeReason } from '../stateful-part.ts';
import { packedJson, packingOf } from '../aggregates/accumulator-codec.ts';
import { CloseHorizon } from './close-horizon.ts';
import { DueQueue } from './due-queue.ts';
import { SlideKey, type MomentResult } from './slide-key.ts';
import {
  addTo,
  parseStateKey,
  type OperatorOptions,
  type Store,
  type WindowOperator,
} from './window-operator.ts';
import type { WindowResult } from './window-result.ts';
import type { SlidingWindow } from './window-spec.ts';

/**
 * For each moment t at which a key had an event, the aggregate over [t - size, t], both ends included. The result of t
 * is final when the watermark reaches t + 1 + grace. An event that comes later than that has no result of its own, but
 * counts in those of later moments that are still open; it is late when it can be in none.
 *
 * Every moment has its accumulator; results are merged when they are emitted. They become final in order, so that each
 * costs O(1) merges, amortised, whatever the size; one that an event out of order belongs to costs one for each moment
 * in its window.
 */
export class SlidingWindows<V, A, R> implements WindowOperator<V> {
  readonly #aggregator: Aggregator<V, A, R>;
  readonly #store: Store<A>;
  readonly #sizeMs: number;
  readonly #keepsMerge: boolean;
  readonly #tracksChanges: boolean;
  readonly #changedAfterRestart: boolean;
  readonly #onResult: (result: WindowResult<R>) => void;
  readonly #horizon: CloseHorizon;
  readonly #keys = new Map<string, SlideKey<A>>();
  /** By the end of the next moment. */
  readonly #closing = new DueQueue<SlideKey<A>>();
  /** Keys without an open moment, by when their last one is forgotten, or earlier. */
  readonly #leaving = new DueQueue<SlideKey<A>>();
  #openKeys = 0;
  #changedKeys: SlideKey<A>[] = [];

  constructor(options: OperatorOptions<V, A, R> & { readonly window: SlidingWindow }) {
    const { context, name, layout, aggregator, window } = options;
    this.#aggregator = aggregator;
    this.#store = context.store(name, { layout, codec: packedJson(layout, packingOf(aggregator)) });
    this.#horizon = new CloseHorizon(context.store<number>(`${name}-horizon`), window.graceMs);
    this.#keepsMerge = !context.isRecorded;
    this.#sizeMs = window.sizeMs;
    this.#tracksChanges = options.tracksChanges;
    this.#changedAfterRestart = options.changedAfterRestart;
    this.#onResult = (result) => options.onResult(result);
  }

  get isPending(): boolean {
    return this.#openKeys > 0;
  }

  add(key: string, value: V, eventTimeMs: number): StepResult {
    if (this.#leavesAtMs(eventTimeMs) <= this.#horizon.ms)
      return { kind: 'late', windowStartMs: this.#startOf(eventTimeMs), windowEndMs: eventTimeMs };
    const slideKey = this.#keys.get(key) ?? this.#newKey(key);
    const moment = slideKey.momentAt(eventTimeMs);
    addTo(this.#store, this.#aggregator, moment.stateKey, value);
    slideKey.touch(eventTimeMs);
    this.#schedule(slideKey, eventTimeMs + 1 > this.#horizon.ms ? eventTimeMs : Number.POSITIVE_INFINITY);
    if (this.#tracksChanges) this.#markChanged(slideKey, eventTimeMs);
    return OK;
  }

  rebuild(watermarkMs: number): void {
    this.#horizon.restore(watermarkMs);
    for (const [stateKey] of this.#store.entries()) {
      const { timeMs, key } = parseStateKey(stateKey);
      const slideKey = this.#keys.get(key) ?? this.#newKey(key);
      slideKey.momentAt(timeMs);
      if (this.#changedAfterRestart) this.#markChanged(slideKey, timeMs);
    }
    for (const slideKey of this.#keys.values())
      this.#schedule(slideKey, slideKey.momentAfter(this.#horizon.emittedMs - 1));
  }

  advance(watermarkMs: number, reason: TimeReason): void {
    const horizonMs = this.#horizon.advance(watermarkMs);
    for (let due = this.#closing.popDue(horizonMs); due; due = this.#closing.popDue(horizonMs))
      if (due.dueMs === due.item.nextMs + 1) this.#close(due.item, reason);
    for (let due = this.#leaving.popDue(horizonMs); due; due = this.#leaving.popDue(horizonMs)) {
      due.item.isLeaving = false;
      if (due.item.isOpen) continue;
      this.#dropMoments(due.item);
      this.#leave(due.item);
    }
  }

  emitChanged(reason: 'update' | 'early'): void {
    const keys = this.#changedKeys;
    this.#changedKeys = [];
    for (const slideKey of keys)
      for (const result of slideKey.takeChanged(this.#horizon.ms)) this.#emit(slideKey.key, result, reason);
  }

  settle(): void {
    if (this.#keys.size > 0) this.#horizon.save();
  }

  /** When, in time of the horizon, no open result can hold the moment any more. */
  #leavesAtMs(timeMs: number): number {
    return timeMs + this.#sizeMs + 1;
  }

  #startOf(timeMs: number): number {
    return Math.max(0, timeMs - this.#sizeMs);
  }

  /** The result of a moment will have to be emitted; or of none, where infinite, and then its key be forgotten. */
  #schedule(slideKey: SlideKey<A>, timeMs: number): void {
    if (timeMs < slideKey.nextMs) {
      if (!slideKey.isOpen) this.#openKeys += 1;
      slideKey.nextMs = timeMs;
      this.#closing.push(timeMs + 1, slideKey);
    } else if (!slideKey.isOpen) {
      this.#leave(slideKey);
    }
  }

  #leave(slideKey: SlideKey<A>): void {
    const { last } = slideKey.moments;
    if (last === undefined || slideKey.isLeaving) return;
    slideKey.isLeaving = true;
    this.#leaving.push(this.#leavesAtMs(last.timeMs), slideKey);
  }

  #close(slideKey: SlideKey<A>, reason: TimeReason): void {
    const timeMs = slideKey.nextMs;
    this.#emit(slideKey.key, slideKey.close(), reason);
    slideKey.nextMs = Number.POSITIVE_INFINITY;
    this.#openKeys -= 1;
    this.#schedule(slideKey, slideKey.momentAfter(timeMs));
    this.#dropMoments(slideKey);
  }

  /** Forgets the moments that no result to come can need. */
  #dropMoments(slideKey: SlideKey<A>): void {
    const { moments, nextMs, key } = slideKey;
    for (let first = moments.first; first !== undefined; first = moments.first) {
      if (first.timeMs >= nextMs - this.#sizeMs || this.#leavesAtMs(first.timeMs) > this.#horizon.ms) return;
      this.#store.delete(first.stateKey);
      moments.dropFirst();
    }
    this.#keys.delete(key);
  }

  #markChanged(slideKey: SlideKey<A>, timeMs: number): void {
    if (slideKey.changed.length === 0) this.#changedKeys.push(slideKey);
    if (slideKey.changed[slideKey.changed.length - 1] !== timeMs) slideKey.changed.push(timeMs);
  }

  #emit(key: string, { timeMs, merged }: MomentResult<A>, reason: EmitReason): void {
    // Of a step that was rolled back.
    if (merged === undefined) return;
    this.#onResult({
      key,
      windowStartMs: this.#startOf(timeMs),
      windowEndMs: timeMs,
      value: this.#aggregator.result(merged),
      reason,
      eventTimeMs: timeMs,
    });
  }

  #newKey(key: string): SlideKey<A> {
    const slideKey = new SlideKey<A>(key, this.#sizeMs, {
      merger: this.#aggregator,
      read: (stateKey) => this.#store.get(stateKey),
      keepsMerge: this.#keepsMerge,
    });
    this.#keys.set(key, slideKey);
    return slideKey;
  }
}
