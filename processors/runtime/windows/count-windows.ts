import type { Aggregator } from '../aggregates/aggregator.ts';
import { OK, type EmitReason, type StepResult } from '../step-result.ts';
import type { TimeReason } from '../stateful-part.ts';
import { packingOf } from '../aggregates/accumulator-codec.ts';
import { CountSlices } from './count-slices.ts';
import { boundedCodec, boundedMerger, countedKeyCodec, type Bounded, type CountedKey } from './counted.ts';
import { DueKeys } from './due-queue.ts';
import { PairedSlices } from './paired-slices.ts';
import type { Merger } from './sliding-merge.ts';
import type { OperatorOptions, Store, WindowOperator } from './window-operator.ts';
import type { WindowResult } from './window-result.ts';
import type { CountWindow } from './window-spec.ts';

/** Reason of a window that is full: its result is final, as that of one that time has closed. */
const FULL: EmitReason = 'watermark';

interface Filling<A> {
  readonly counted: CountedKey<A>;
  readonly bounded: Bounded<A>;
  readonly ordinal: number;
}

/**
 * Windows of so many events of a key, in the order in which they come; window n starts with event n·slide of its key.
 * A window is emitted when it is full, within `add`. Before, on update and early, only the one that fills next is shown;
 * where its bounds have changed since, the old result is taken back first.
 *
 * With `idleMs`, a key whose latest event lies so far behind the watermark is forgotten; the window that would have
 * filled next is emitted as it is, where it holds an event that no full one has had.
 */
export class CountWindows<V, A, R> implements WindowOperator<V> {
  readonly #aggregator: Aggregator<V, A, R>;
  readonly #merger: Merger<Bounded<A>>;
  readonly #store: Store<CountedKey<A>>;
  readonly #slicing: PairedSlices;
  /** Undefined where windows do not overlap: then a window is one slice. */
  readonly #slices: CountSlices<Bounded<A>> | undefined;
  readonly #idleMs: number | undefined;
  readonly #tracksChanges: boolean;
  readonly #changedAfterRestart: boolean;
  readonly #onResult: (result: WindowResult<R>) => void;
  readonly #due = new DueKeys();
  #changed = new Set<string>();

  constructor(options: OperatorOptions<V, A, R> & { readonly window: CountWindow }) {
    const { context, name, layout, aggregator, window } = options;
    const packing = packingOf(aggregator);
    this.#aggregator = aggregator;
    this.#merger = boundedMerger(aggregator);
    this.#store = context.store(name, { layout, codec: countedKeyCodec(layout, packing) });
    this.#slicing = new PairedSlices({ size: window.size, slide: window.slide, offset: 0 });
    if (window.slide < window.size) {
      const store = context.store(`${name}-slices`, { layout, codec: boundedCodec(layout, packing) });
      this.#slices = new CountSlices(this.#slicing, store, {
        merger: this.#merger,
        keepsMerge: !context.isRecorded,
      });
    }
    this.#idleMs = window.idleMs;
    this.#tracksChanges = options.tracksChanges;
    this.#changedAfterRestart = options.changedAfterRestart;
    this.#onResult = (result) => options.onResult(result);
  }

  get isPending(): boolean {
    return this.#due.size > 0;
  }

  add(key: string, value: V, eventTimeMs: number): StepResult {
    const counted = this.#store.get(key) ?? this.#newKey(key, eventTimeMs);
    const slice = counted.slice ?? this.#merger.init();
    slice.accumulator = this.#aggregator.add(slice.accumulator, value);
    slice.minMs = Math.min(slice.minMs, eventTimeMs);
    slice.maxMs = Math.max(slice.maxMs, eventTimeMs);
    counted.slice = slice;
    counted.latestMs = Math.max(counted.latestMs, eventTimeMs);
    const place = this.#slicing.sliceOf(counted.events);
    counted.events += 1;
    if (counted.events === place.end) this.#endSlice(key, counted, slice);
    this.#store.set(key, counted);
    if (this.#tracksChanges) this.#changed.add(key);
    return OK;
  }

  rebuild(): void {
    for (const [key, { latestMs }] of this.#store.entries()) {
      if (this.#idleMs !== undefined) this.#due.offer(key, latestMs + this.#idleMs);
      if (this.#changedAfterRestart) this.#changed.add(key);
    }
  }

  advance(watermarkMs: number, reason: TimeReason): void {
    if (this.#idleMs === undefined) return;
    for (let due = this.#due.popDue(watermarkMs); due !== undefined; due = this.#due.popDue(watermarkMs)) {
      const { item: key, dueMs } = due;
      const counted = this.#store.get(key);
      if (counted === undefined) continue;
      if (counted.latestMs + this.#idleMs > dueMs) this.#due.offer(key, counted.latestMs + this.#idleMs);
      else this.#leave(key, counted, reason);
    }
  }

  emitChanged(reason: 'update' | 'early'): void {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const key of changed) {
      const counted = this.#store.get(key);
      const filling = counted && this.#filling(key, counted);
      if (counted === undefined || filling === undefined) continue;
      this.#emit(key, filling, reason);
      counted.emitted = this.#copy(filling.bounded);
      this.#store.set(key, counted);
    }
  }

  #newKey(key: string, eventTimeMs: number): CountedKey<A> {
    if (this.#idleMs !== undefined) this.#due.offer(key, eventTimeMs + this.#idleMs);
    return { events: 0, latestMs: eventTimeMs, slice: undefined, emitted: undefined };
  }

  #endSlice(key: string, counted: CountedKey<A>, slice: Bounded<A>): void {
    const { size, slide } = this.#slicing;
    const { events } = counted;
    counted.slice = undefined;
    this.#slices?.push(key, this.#slicing.sliceOf(events - 1).start, slice);
    const start = events - size;
    if (start < 0 || start % slide !== 0) return;
    const full = this.#slices === undefined ? slice : this.#slices.over(key, start, events);
    if (full !== undefined) this.#emit(key, { counted, bounded: full, ordinal: start / slide }, FULL);
    counted.emitted = undefined;
    this.#slices?.drop(key, start + slide, events);
  }

  /** The window that fills next; undefined where it holds no event that a full one has not had. */
  #filling(key: string, counted: CountedKey<A>): Filling<A> | undefined {
    const { size, slide } = this.#slicing;
    const { events, slice } = counted;
    const ordinal = events < size ? 0 : Math.floor((events - size) / slide) + 1;
    const seen = ordinal === 0 ? 0 : (ordinal - 1) * slide + size;
    if (events <= seen) return undefined;
    const full = this.#slices?.over(key, ordinal * slide, this.#slicing.sliceOf(events).start);
    const bounded =
      full !== undefined && slice !== undefined
        ? this.#merger.merge(this.#copy(full), slice)
        : (full ?? slice);
    return bounded && { counted, bounded, ordinal };
  }

  #leave(key: string, counted: CountedKey<A>, reason: TimeReason): void {
    const filling = this.#filling(key, counted);
    if (filling !== undefined) this.#emit(key, filling, reason);
    this.#slices?.forget(key, this.#slicing.sliceOf(counted.events).start);
    this.#store.delete(key);
  }

  #emit(key: string, { counted, bounded, ordinal }: Filling<A>, reason: EmitReason): void {
    const result = ({ minMs, maxMs, accumulator }: Bounded<A>, why: EmitReason) =>
      this.#onResult({
        key,
        windowStartMs: minMs,
        windowEndMs: maxMs,
        value: this.#aggregator.result(accumulator),
        reason: why,
        eventTimeMs: bounded.maxMs,
        ordinal,
      });
    const old = counted.emitted;
    if (old !== undefined && (old.minMs !== bounded.minMs || old.maxMs !== bounded.maxMs))
      result(old, 'retraction');
    result(bounded, reason);
  }

  #copy(bounded: Bounded<A>): Bounded<A> {
    return this.#merger.merge(this.#merger.init(), bounded);
  }
}
