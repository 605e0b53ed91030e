/** What the tests of windows run on: a task of one part, with a watermark, a clock, commits and restarts by hand. */
import type { Aggregator } from '../aggregates/aggregator.ts';
import { json, type Codec } from '../codec.ts';
import type { KeyedStore, StoreOptions } from '../state/keyed-store.ts';
import type { StepResult } from '../step-result.ts';
import type { StatefulPart, TimeReason } from '../stateful-part.ts';
import type { TaskContext } from '../topology.ts';
import {
  aggregateWindows,
  type EmitPolicy,
  type WindowAggregate,
  type WindowResult,
  type WindowSpec,
} from './index.ts';

/** A store whose entries survive a restart only as far as they were `set` before a commit, and only as bytes. */
class HarnessStore<V> {
  readonly layout: string | undefined;
  readonly #codec: Codec<V>;
  readonly #entries = new Map<string, V>();
  readonly #dirty = new Set<string>();
  readonly #committed: Map<string, Buffer>;

  constructor(committed: Map<string, Buffer>, { codec = json<V>(), layout }: StoreOptions<V>) {
    this.layout = layout;
    this.#codec = codec;
    this.#committed = committed;
    for (const [key, bytes] of committed) this.#entries.set(key, codec.decode(bytes));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
    this.#dirty.add(key);
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#dirty.add(key);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }

  commit(): void {
    for (const key of this.#dirty) {
      const value = this.#entries.get(key);
      if (value === undefined) this.#committed.delete(key);
      else this.#committed.set(key, this.#codec.encode(value));
    }
    this.#dirty.clear();
  }

  /** What takes back all changes from now on. */
  snapshot(): () => void {
    const entries = [...this.#entries].map(([key, value]) => [key, this.#codec.encode(value)] as const);
    const dirty = [...this.#dirty];
    return () => {
      this.#entries.clear();
      for (const [key, bytes] of entries) this.#entries.set(key, this.#codec.decode(bytes));
      this.#dirty.clear();
      for (const key of dirty) this.#dirty.add(key);
    };
  }
}

/** A result, and between which watermarks it was said. */
export interface Said<R> {
  readonly result: WindowResult<R>;
  readonly beforeMs: number;
  readonly watermarkMs: number;
}

export interface HarnessOptions<V, A, R> {
  readonly window: WindowSpec;
  readonly aggregator: Aggregator<V, A, R>;
  readonly emit: EmitPolicy;
}

export class WindowHarness<V, A, R> {
  /** Everything that was said so far; what a crash takes back is not there any more. */
  readonly said: Said<R>[] = [];
  watermarkMs = Number.NEGATIVE_INFINITY;
  nowMs = 0;
  readonly #options: HarnessOptions<V, A, R>;
  readonly #committed = new Map<string, Map<string, Buffer>>();
  readonly #committedAt = { said: 0, watermarkMs: Number.NEGATIVE_INFINITY };
  #stores = new Map<string, HarnessStore<unknown>>();
  #parts: StatefulPart[] = [];
  #windows: WindowAggregate<V>;
  #beforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: HarnessOptions<V, A, R>) {
    this.#options = options;
    this.#windows = this.#create(options);
  }

  get emitted(): readonly WindowResult<R>[] {
    return this.said.map(({ result }) => result);
  }

  add(key: string, value: V, eventTimeMs: number): StepResult {
    return this.#windows.add(key, value, eventTimeMs);
  }

  /** Moves the watermark; as in a task, nothing happens where it does not grow. */
  advance(watermarkMs: number, reason: TimeReason = 'watermark'): void {
    if (watermarkMs <= this.watermarkMs) return;
    this.#beforeMs = this.watermarkMs;
    this.watermarkMs = watermarkMs;
    for (const part of this.#parts) part.advance?.(watermarkMs, reason);
  }

  tick(byMs: number): void {
    this.nowMs += byMs;
    for (const part of this.#parts) part.tick?.(this.nowMs);
  }

  commit(): void {
    for (const part of this.#parts) part.beforeCommit?.();
    for (const store of this.#stores.values()) store.commit();
    this.#committedAt.said = this.said.length;
    this.#committedAt.watermarkMs = this.watermarkMs;
  }

  /** Ends without a commit and starts again where the last one was, perhaps with other settings. */
  restart(options: Partial<HarnessOptions<V, A, R>> = {}): void {
    this.said.length = this.#committedAt.said;
    this.watermarkMs = this.#committedAt.watermarkMs;
    this.#stores = new Map();
    this.#parts = [];
    this.#windows = this.#create({ ...this.#options, ...options });
  }

  /** A step that throws: what it did is taken back in the stores and in what was said. */
  rolledBack(step: () => void): void {
    const undo = [...this.#stores.values()].map((store) => store.snapshot());
    const said = this.said.length;
    step();
    for (const restore of undo) restore();
    this.said.length = said;
  }

  get isPending(): boolean {
    return this.#parts.some(({ isPending }) => isPending === true);
  }

  /** Entries over all stores but those that hold a single number. */
  get entries(): number {
    return [...this.#stores].reduce(
      (sum, [name, { size }]) => sum + (name.endsWith('-horizon') ? 0 : size),
      0,
    );
  }

  get layouts(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries([...this.#stores].map(([name, { layout }]) => [name, layout]));
  }

  #create(options: HarnessOptions<V, A, R>): WindowAggregate<V> {
    const context = {
      partition: 0,
      watermarkMs: () => this.watermarkMs,
      now: () => this.nowMs,
      store: <S>(name: string, storeOptions: StoreOptions<S> = {}) => this.#open(name, storeOptions),
      attach: (part: StatefulPart) => this.#parts.push(part),
    } as unknown as TaskContext;
    const windows = aggregateWindows(context, {
      ...options,
      name: 'w',
      onResult: (result) =>
        this.said.push({ result, beforeMs: this.#beforeMs, watermarkMs: this.watermarkMs }),
    });
    for (const part of this.#parts) part.rebuild?.(this.watermarkMs);
    return windows;
  }

  #open<S>(name: string, options: StoreOptions<S>): KeyedStore<S> {
    const committed = this.#committed.get(name) ?? new Map<string, Buffer>();
    this.#committed.set(name, committed);
    const store = new HarnessStore(committed, options);
    this.#stores.set(name, store);
    return store as unknown as KeyedStore<S>;
  }
}

/**
 * Which values came in, each once: their numbers in order. Accumulators are changed in place and are no JSON, so that a
 * merge that shares them, or a change that is not written, shows.
 */
export function members(): Aggregator<number, Set<number>, string> {
  const sorted = (numbers: ReadonlySet<number>) => [...numbers].sort((a, b) => a - b);
  return {
    layout: 'members',
    init: () => new Set(),
    add: (accumulator, value) => accumulator.add(value),
    merge: (into, other) => {
      for (const value of other) {
        if (into.has(value)) throw new Error(`${value} was counted twice`);
        into.add(value);
      }
      return into;
    },
    result: (accumulator) => sorted(accumulator).join(' '),
    pack: sorted,
    unpack: (packed) => new Set(packed as readonly number[]),
  };
}

/** Accumulators that are plain numbers: each call returns another. */
export function total(): Aggregator<number, number, number> {
  return {
    layout: 'total',
    init: () => 0,
    add: (accumulator, value) => accumulator + value,
    merge: (into, other) => into + other,
    result: (accumulator) => accumulator,
  };
}
