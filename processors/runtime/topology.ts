/**
 * What a job says and what the engine gives it, at the level below the DSL (dsl/). A sub-topology is a set of
 * co-partitioned inputs and one processor for each partition of them; a task is one such processor with its state.
 * Sub-topologies meet only in topics.
 */
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import type { Codec } from './codec.ts';
import type { KeyedStore, StoreOptions } from './state/keyed-store.ts';
import type { OnlineView, OnlineViewOptions } from './online/online-view.ts';
import type { StatefulPart } from './stateful-part.ts';
import type { StepResult } from './step-result.ts';
import type { EventTimers } from './time/event-timers.ts';

/** Where a record stands in the log. `topic` is the contract's name, without a namespace. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface InputRecord<V = MillraceEvent> extends Position {
  /** Key in the log as text; null where the record has none. */
  readonly key: string | null;
  readonly value: V;
  /** When it happened, epoch ms: drives windows and timers. */
  readonly eventTimeMs: number;
  /** Log timestamp: when it was taken in, epoch ms. */
  readonly ingestTimeMs: number;
}

/** A topic that a sub-topology reads. */
export interface Input {
  /** Name in the contract. */
  readonly topic: string;
  /** How values are read; {@link events} where absent. */
  readonly codec?: Codec<unknown>;
  /**
   * When a value happened, epoch ms. Where absent: `eventTime` of an event, else the header `mr-event-time` that the
   * engine writes, else the log timestamp.
   */
  readonly eventTimeOf?: (value: never) => number;
  /**
   * Whether a repeated eventId within 24 h is dropped: for events from outside, in the first sub-topology that reads
   * them. Only for inputs of events.
   */
  readonly deduplicated?: boolean;
  /** Whether a record without a value deletes its key, as in a compacted topic, instead of being a fault. */
  readonly tombstones?: boolean;
  /** Types of events that it is read for; others are dropped. All where absent. */
  readonly types?: ReadonlySet<string>;
}

/** A topic that a sub-topology writes and others of the same application read: it carries the task's watermark. */
export interface Output {
  /** Name in the contract. */
  readonly topic: string;
  /**
   * How far behind the watermark of the task a record may be when it is written, ms: a window that closes after a grace
   * says something of a time that the watermark has passed by this. The watermark carried by the topic lags by it.
   */
  readonly holdMs?: number;
  /** The inputs whose records reach it: it carries the watermark over these. All where absent. */
  readonly from?: readonly string[];
  /**
   * Set where the engine makes the topic, such as a repartition topic: with this many partitions, as many as the inputs
   * of the sub-topology have (`inputs`), or as many as another topic.
   */
  readonly made?: number | 'inputs' | { readonly like: string };
}

/** A row that was made for one call: the engine takes it over and adds its columns in place. */
export type FreshRow = Record<string, unknown>;

/** A record for a topic whose values are no events, such as a repartition topic. */
export interface OutputRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly eventTimeMs: number;
  readonly ingestTimeMs: number;
}

export interface Outputs {
  /** An event to another topic, keyed as the contract says; written in the task's transaction. */
  produce(topic: string, key: string, event: MillraceEvent): void;
  /** A record of any kind; its event time goes along in a header. Written in the task's transaction. */
  record(topic: string, record: OutputRecord): void;
  /** A row of a fact table; the engine adds the place in the log (`_topic` … `_ordinal`). */
  fact(table: string, record: Position, row: FreshRow): void;
  /** A row of a window table; the engine adds `partition`, `version` and `emitted_at`. */
  versionedRow(table: string, row: FreshRow): void;
  /** Announced after the next flush of the online store; best effort. */
  notify(channel: string, message: string): void;
}

/** What time and no record caused: a timer, a window that closed, what was coalesced until a commit. */
export interface TimedAct {
  /** Names it, the same after a restart from the last commit. */
  readonly place: string;
  /** What goes aside where it fails, as far as it was known then; the value becomes JSON. */
  readonly about: () => {
    readonly key: string | null;
    readonly value: unknown;
    readonly eventTimeMs: number;
  };
  /** Where it is the turn of one timer. */
  readonly timer?: TimerOfAct;
}

/** A timer as its act knows it. */
export interface TimerOfAct {
  /** Of the timers: their store's. */
  readonly name: string;
  readonly key: string;
  readonly dueMs: number;
}

/** What a step has said and may be asked about later. */
export interface Decision {
  /** Topic of the evidence, by the contract's name. */
  readonly evidence: string;
  /** Names the decision. */
  readonly id: string;
  /** What was said: topic by the contract's name, key and bytes. */
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer;
}

export interface TaskContext {
  readonly partition: number;
  readonly outputs: Outputs;
  /** Low watermark of the task, epoch ms; -Infinity before the first event. */
  readonly watermarkMs: () => number;
  /** Clock, epoch ms. */
  readonly now: () => number;
  /** A fresh id for an internal event. */
  readonly newId: () => string;
  /** Keyed state with a changelog; call while the processor is made. Names are unique in the sub-topology. */
  readonly store: <V>(name: string, options?: StoreOptions<V>) => KeyedStore<V>;
  /**
   * Has the online store hold what the entries of a store say, from now on; call while the processor is made. Each key of
   * the online store may come from one view alone.
   */
  readonly onlineView: <V>(store: KeyedStore<V>, view: OnlineViewOptions<V>) => OnlineView;
  /** Event-time timers, kept with the state. */
  readonly timers: (name: string, onDue: (key: string, dueMs: number) => void) => EventTimers;
  /** Timers by the clock, kept with the state: one that came due while nothing ran fires at the next start. */
  readonly clockTimers: (name: string, onDue: (key: string, dueMs: number) => void) => EventTimers;
  /** Adds a part that follows time; call while the processor is made. */
  readonly attach: (part: StatefulPart) => void;
  /**
   * Does what no record caused, so that it fails alone: what throws is undone and goes to the dead letters of the task's
   * first input, what is late to its late topic.
   */
  readonly byTime: (act: TimedAct, run: () => StepResult) => void;
  /** The same task for a part that only these inputs reach: its time does not wait for the others. */
  readonly timedBy: (inputs: readonly string[]) => TaskContext;
  /** The same task for a part that leads to decisions which can be explained: what its steps are given is recorded. */
  readonly recorded: () => TaskContext;
  /** Whether it is: then what a step is given has to be read from the stores in that step, and not kept from earlier ones. */
  readonly isRecorded: boolean;
  /**
   * Whether a step is taken again from its evidence: then the entries that there are have changed since the last emission,
   * and it is time to emit them.
   */
  readonly isTakenAgain: boolean;
  /** A decision was said: evidence of the present step goes to its topic, in the same transaction. */
  readonly decided: (decision: Decision) => void;
}

export interface Processor {
  process(record: InputRecord<never>): StepResult;
  /**
   * Whether it holds something outside of its stores from one record to the next, such as what it coalesces until the
   * commit. Then a step that throws cannot be rolled back alone: the task starts again from its last commit.
   */
  readonly holdsMore?: boolean;
}

export interface Subtopology {
  readonly name: string;
  /** All have the same partition count. */
  readonly inputs: readonly Input[];
  /** Topics with the watermark of the task, for sub-topologies of the same application. */
  readonly outputs?: readonly Output[];
  /** Every topic that its sinks write, by the contract's name: they must exist. */
  readonly writes?: readonly string[];
  /** Names of stores that an earlier version had: what is left of them is deleted instead of being refused. */
  readonly retired?: readonly string[];
  /** Where it takes decisions that can be explained. */
  readonly explained?: Explained;
  create(context: TaskContext): Processor;
}

/** How decisions of a sub-topology are explained. */
export interface Explained {
  /** Inputs whose records can lead to one. */
  readonly inputs: readonly string[];
  /** Topics of the evidence, by the contract's name. */
  readonly topics: readonly string[];
  /** The part of the sub-topology that leads to decisions, and nothing else of it: a step is taken again with this. */
  readonly part: Omit<Subtopology, 'explained'>;
}
