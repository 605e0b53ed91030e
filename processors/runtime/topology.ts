/**
 * What a job says and what the engine gives it. A sub-topology is a set of co-partitioned inputs and one processor for
 * each partition of them; a task is one such processor with its state. Sub-topologies meet only in topics.
 */
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import type { EventTimers } from './time/event-timers.ts';
import type { KeyedStore, StoreOptions } from './state/keyed-store.ts';
import type { StepResult } from './step-result.ts';
import type { TumblingWindows, TumblingWindowOptions } from './windows/tumbling-windows.ts';

/** Where a record stands in the log. `topic` is the contract's name, without a namespace. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface InputRecord extends Position {
  readonly event: MillraceEvent;
  /** Log timestamp: when it was taken in, epoch ms. */
  readonly ingestTimeMs: number;
}

/** A row that was made for one call: the engine takes it over and adds its columns in place. */
export type FreshRow = Record<string, unknown>;

export interface Outputs {
  /** An event to another topic, keyed as the contract says; written in the task's transaction. */
  produce(topic: string, key: string, event: MillraceEvent): void;
  /** A row of a fact table; the engine adds the place in the log (`_topic` … `_ordinal`). */
  fact(table: string, record: InputRecord, row: FreshRow): void;
  /** A row of a window table; the engine adds `partition`, `version` and `emitted_at`. */
  versionedRow(table: string, row: FreshRow): void;
  /**
   * The absolute value of a key of the online store, coalesced: the last one of a flush is written. `value` is called
   * at the flush. `acceptedAtMs` is the ingest time of the event that changed it, for the freshness metric.
   */
  online(key: string, write: { value: () => string | null; ttlMs: number; acceptedAtMs?: number }): void;
  /** Announced after the next flush of the online store; best effort. */
  notify(channel: string, message: string): void;
}

export interface TaskContext {
  readonly partition: number;
  readonly outputs: Outputs;
  /** Low watermark of the task, epoch ms; -Infinity before the first event. */
  watermarkMs(): number;
  /** Clock, epoch ms. */
  now(): number;
  /** A fresh id for an internal event. */
  newId(): string;
  /** Keyed state with a changelog; call while the processor is made. */
  store<V>(name: string, options?: StoreOptions): KeyedStore<V>;
  /** Event-time timers, kept with the state. */
  timers(name: string, onDue: (key: string, dueMs: number) => void): EventTimers;
  /** Tumbling windows in event time, kept with the state. */
  tumbling<A>(options: TumblingWindowOptions<A>): TumblingWindows<A>;
}

export interface Processor {
  process(record: InputRecord): StepResult;
  /** Before each commit: the place to hand out what was coalesced. */
  beforeCommit?(): void;
}

export interface Subtopology {
  readonly name: string;
  /** Topics by contract name; all have the same partition count. */
  readonly inputs: readonly string[];
  /** Inputs whose eventIds are checked for duplicates: those that come from outside the engine. */
  readonly deduplicated: readonly string[];
  create(context: TaskContext): Processor;
}
