import type { Aggregator } from '../aggregates/aggregator.ts';
import { OK, type EmitReason, type StepResult } from '../step-result.ts';
import type { TimeReason } from '../stateful-part.ts';
import { packedJson, packingOf } from '../aggregates/accumulator-codec.ts';
import { CloseHorizon } from './close-horizon.ts';
import { DueQueue } from './due-queue.ts';
import { HopKey, type Slice } from './hop-key.ts';
import { PairedSlices } from './paired-slices.ts';
import {
  addTo,
  parseStateKey,
  type OperatorOptions,
  type Store,
  type WindowOperator,
} from './window-operator.ts';
import type { WindowResult } from './window-result.ts';
import type { HoppingWindow } from './window-spec.ts';

/** The keys whose next window starts then. */
interface Bucket<A> {
  readonly startMs: number;
  readonly keys: HopKey<A>[];
}

/**
 * Overlapping windows, put together from slices: an event changes the accumulator of one slice of its key, whatever the
 * number of windows it is in. The windows of a key close in order, so that each costs O(1) merges, amortised. An event
 * that comes when some of its windows have closed counts in the others, and the next window of its key is merged anew.
 */
export class HoppingWindows<V, A, R> implements WindowOperator<V> {
  readonly #aggregator: Aggregator<V, A, R>;
  readonly #store: Store<A>;
  readonly #slicing: PairedSlices;
  readonly #sizeMs: number;
  readonly #correctionsMs: number;
  readonly #keepsMerge: boolean;
  readonly #tracksChanges: boolean;
  readonly #changedAfterRestart: boolean;
  readonly #onResult: (result: WindowResult<R>) => void;
  readonly #horizon: CloseHorizon;
  readonly #keys = new Map<string, HopKey<A>>();
  readonly #buckets = new Map<number, Bucket<A>>();
  readonly #closing = new DueQueue<Bucket<A>>();
  /** Keys without an open window, by when their last slice is forgotten, or earlier. */
  readonly #leaving = new DueQueue<HopKey<A>>();
  #openKeys = 0;
  #changedKeys: HopKey<A>[] = [];
  readonly #correctedKeys = new Set<HopKey<A>>();

  constructor(options: OperatorOptions<V, A, R> & { readonly window: HoppingWindow }) {
    const { context, name, layout, aggregator, window } = options;
    this.#aggregator = aggregator;
    this.#store = context.store(name, { layout, codec: packedJson(layout, packingOf(aggregator)) });
    this.#horizon = new CloseHorizon(context.store<number>(`${name}-horizon`), window.graceMs);
    this.#slicing = new PairedSlices({ size: window.sizeMs, slide: window.slideMs, offset: window.offsetMs });
    this.#keepsMerge = !context.isRecorded;
    this.#sizeMs = window.sizeMs;
    this.#correctionsMs = window.correctionsMs;
    this.#tracksChanges = options.tracksChanges;
    this.#changedAfterRestart = options.changedAfterRestart;
    this.#onResult = (result) => options.onResult(result);
  }

  get isPending(): boolean {
    return this.#openKeys > 0;
  }

  add(key: string, value: V, eventTimeMs: number): StepResult {
    const known = this.#keys.get(key);
    const last = known?.slices.last;
    // The usual case needs no arithmetic: the event belongs to the latest slice of its key.
    const isInLast = last !== undefined && eventTimeMs >= last.timeMs && eventTimeMs < last.endMs;
    const windowStartMs = isInLast ? last.lastStartMs : this.#slicing.lastStart(eventTimeMs);
    const windowEndMs = windowStartMs + this.#sizeMs;
    if (windowEndMs + this.#correctionsMs <= this.#horizon.ms)
      return { kind: 'late', windowStartMs, windowEndMs };
    const hopKey = known ?? this.#newKey(key);
    const slice = isInLast ? last : this.#sliceAt(hopKey, eventTimeMs);
    addTo(this.#store, this.#aggregator, slice.stateKey, value);
    hopKey.touch(slice);
    if (this.#correctionsMs > 0) this.#noteCorrections(hopKey, slice);
    if (windowEndMs <= this.#horizon.ms) return { kind: 'late', windowStartMs, windowEndMs, corrected: true };
    if (this.#tracksChanges) this.#markChanged(hopKey, slice);
    return OK;
  }

  rebuild(watermarkMs: number): void {
    this.#horizon.restore(watermarkMs);
    for (const [stateKey] of this.#store.entries()) {
      const { timeMs, key } = parseStateKey(stateKey);
      const hopKey = this.#keys.get(key) ?? this.#newKey(key);
      const slice = hopKey.newSlice(timeMs);
      if (this.#changedAfterRestart) this.#markChanged(hopKey, slice);
    }
    for (const hopKey of this.#keys.values())
      this.#schedule(hopKey, hopKey.startFrom(this.#horizon.emittedMs));
  }

  advance(watermarkMs: number, reason: TimeReason): void {
    const horizonMs = this.#horizon.advance(watermarkMs);
    for (let due = this.#closing.popDue(horizonMs); due; due = this.#closing.popDue(horizonMs)) {
      const { startMs, keys } = due.item;
      this.#buckets.delete(startMs);
      for (const hopKey of keys) if (hopKey.nextStartMs === startMs) this.#close(hopKey, reason);
    }
    for (let due = this.#leaving.popDue(horizonMs); due; due = this.#leaving.popDue(horizonMs)) {
      due.item.isLeaving = false;
      if (!due.item.isOpen) this.#dropSlices(due.item);
    }
  }

  emitChanged(reason: 'update' | 'early'): void {
    const keys = this.#changedKeys;
    this.#changedKeys = [];
    for (const hopKey of keys) {
      for (const { startMs, merged } of hopKey.takeChanged(this.#horizon.ms))
        this.#emit(hopKey.key, { startMs, merged, reason });
    }
  }

  settle(): void {
    for (const hopKey of this.#correctedKeys) this.#emitCorrections(hopKey);
    if (this.#keys.size > 0) this.#horizon.save();
  }

  #sliceAt(hopKey: HopKey<A>, eventTimeMs: number): Slice {
    const known = hopKey.slices.find(this.#slicing.sliceOf(eventTimeMs).start);
    if (known !== undefined) return known;
    const slice = hopKey.newSlice(eventTimeMs);
    const startMs = this.#slicing.firstStart(slice.timeMs, this.#horizon.ms);
    this.#schedule(hopKey, startMs <= slice.lastStartMs ? startMs : Number.POSITIVE_INFINITY);
    return slice;
  }

  /** A window of a key will have to be closed; or none, where infinite, and then its slices be forgotten. */
  #schedule(hopKey: HopKey<A>, startMs: number): void {
    if (startMs < hopKey.nextStartMs) this.#open(hopKey, startMs);
    if (!hopKey.isOpen) this.#leave(hopKey);
  }

  #open(hopKey: HopKey<A>, startMs: number): void {
    if (!hopKey.isOpen) this.#openKeys += 1;
    hopKey.nextStartMs = startMs;
    const bucket = this.#buckets.get(startMs);
    if (bucket !== undefined) {
      bucket.keys.push(hopKey);
      return;
    }
    const opened = { startMs, keys: [hopKey] };
    this.#buckets.set(startMs, opened);
    this.#closing.push(startMs + this.#sizeMs, opened);
  }

  #leave(hopKey: HopKey<A>): void {
    const { last } = hopKey.slices;
    if (last === undefined || hopKey.isLeaving) return;
    hopKey.isLeaving = true;
    this.#leaving.push(last.lastStartMs + this.#sizeMs + this.#correctionsMs, hopKey);
  }

  #close(hopKey: HopKey<A>, reason: TimeReason): void {
    const startMs = hopKey.nextStartMs;
    this.#emit(hopKey.key, { startMs, merged: hopKey.closing(startMs), reason });
    const nextMs = hopKey.moveOn(startMs);
    hopKey.nextStartMs = Number.POSITIVE_INFINITY;
    this.#openKeys -= 1;
    if (nextMs !== Number.POSITIVE_INFINITY) this.#open(hopKey, nextMs);
    this.#dropSlices(hopKey);
  }

  /** Forgets the slices that neither a window to come nor a correction can need. */
  #dropSlices(hopKey: HopKey<A>): void {
    const { slices, nextStartMs, key } = hopKey;
    const forgottenToMs = this.#horizon.ms - this.#correctionsMs - this.#sizeMs;
    for (let first = slices.first; first !== undefined; first = slices.first) {
      if (first.lastStartMs >= nextStartMs || first.lastStartMs > forgottenToMs) break;
      if (hopKey.corrected.size > 0) this.#emitCorrections(hopKey);
      this.#store.delete(first.stateKey);
      slices.dropFirst();
    }
    if (slices.length === 0) this.#keys.delete(key);
    else if (!hopKey.isOpen) this.#leave(hopKey);
  }

  /** Remembers the closed windows of a slice that has changed. */
  #noteCorrections(hopKey: HopKey<A>, slice: Slice): void {
    const { ms } = this.#horizon;
    let startMs = this.#slicing.firstStart(slice.timeMs, ms - this.#correctionsMs);
    if (startMs + this.#sizeMs > ms) return;
    this.#correctedKeys.add(hopKey);
    for (; startMs <= slice.lastStartMs && startMs + this.#sizeMs <= ms; startMs += this.#slicing.slide)
      hopKey.corrected.add(startMs);
  }

  #emitCorrections(hopKey: HopKey<A>): void {
    this.#correctedKeys.delete(hopKey);
    for (const { startMs, merged } of hopKey.takeCorrected())
      this.#emit(hopKey.key, { startMs, merged, reason: 'correction' });
  }

  #markChanged(hopKey: HopKey<A>, slice: Slice): void {
    if (slice.isChanged) return;
    slice.isChanged = true;
    if (hopKey.changed.length === 0) this.#changedKeys.push(hopKey);
    hopKey.changed.push(slice);
  }

  #emit(
    key: string,
    { startMs, merged, reason }: { startMs: number; merged: A | undefined; reason: EmitReason },
  ): void {
    // Of a step that was rolled back.
    if (merged === undefined) return;
    this.#onResult({
      key,
      windowStartMs: startMs,
      windowEndMs: startMs + this.#sizeMs,
      value: this.#aggregator.result(merged),
      reason,
      eventTimeMs: startMs + this.#sizeMs - 1,
    });
  }

  #newKey(key: string): HopKey<A> {
    const hopKey = new HopKey<A>(key, this.#slicing, {
      merger: this.#aggregator,
      read: (stateKey) => this.#store.get(stateKey),
      keepsMerge: this.#keepsMerge,
    });
    this.#keys.set(key, hopKey);
    return hopKey;
  }
}
