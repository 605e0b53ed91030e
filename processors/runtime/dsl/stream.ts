import { combine, type Aggregator, type CombinedResult } from '../aggregates/index.ts';
import { json, type Codec } from '../codec.ts';
import { onClose, type EmitPolicy, type WindowResult, type WindowSpec } from '../windows/index.ts';
import { repartitionTopic } from '../../../schemas/topics.ts';
import { aggregateNode } from './aggregate-node.ts';
import type { Graph, GraphNode, Meta, NodeContext, NodeDraft, Push } from './graph.ts';
import { asOfJoinNode, streamJoinNode, tableJoinNode, tablesJoinNode, type Both } from './join-nodes.ts';
import { processNode, repartitionNode, sinkNode, type Emit, type Handler } from './output-nodes.ts';
import type { Sink } from './sinks.ts';
import { topologyError } from './topology-error.ts';
import { windowNode } from './window-node.ts';

/** Where a stream or a table stands in its topology. */
export interface Place {
  readonly topology: string;
  readonly graph: Graph;
  readonly node: GraphNode;
  /** `together`: equal keys meet in one task. `changed`: not any more. `local`: on purpose not. */
  readonly keys: 'together' | 'changed' | 'local';
  /** The field that is the key of its topic by contract, as long as its values are those of the topic. */
  readonly contractKey?: string | undefined;
}

/** Where two streams or tables meet. @throws MillraceError MR_TOPOLOGY_INVALID */
function checkMeeting(what: string, one: Place, other: Place): void {
  if (one.graph !== other.graph)
    throw topologyError(one.topology, [`${what} brings it together with a stream of ${other.topology}`]);
}

/** Where equal keys of two sides must meet in one task. @throws MillraceError MR_TOPOLOGY_INVALID */
function checkJoin(name: string, one: Place, other: Place): void {
  checkMeeting(`the join ${name}`, one, other);
  if ((one.keys === 'local') === (other.keys === 'local')) return;
  const fault = 'one side has keys of its task alone (keyLocallyBy), so equal keys do not meet; use keyBy';
  throw topologyError(one.topology, [`the join ${name}: ${fault}`]);
}

export interface RepartitionOptions<V> {
  /** How values travel; JSON where absent. */
  readonly codec?: Codec<V>;
  /** As many as the topics that the sub-topology behind it reads, where absent. Fixed for the life of the topic. */
  readonly partitions?: number;
}

/* eslint-disable @typescript-eslint/unified-signatures -- one signature would not type the sides by `kind` */
type KeyOf<V> = (keyof V & string) | ((value: V, meta: Meta) => string | null);
/** Accumulators differ from field to field; nothing here looks into them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyAggregator<V> = Aggregator<V, any, unknown>;
type Fields<V> = Readonly<Record<string, AnyAggregator<V>>>;

interface JoinOptions<Kind extends string, With> {
  /** Names the state; unique in the topology. */
  readonly name: string;
  readonly kind: Kind;
  readonly with: With;
}
type Inner<With> = Omit<JoinOptions<'inner', With>, 'kind'> & { readonly kind?: 'inner' };

interface Within {
  /** A left at t meets the rights from t - beforeMs to t + afterMs, both included. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** How late either side may be; 0 where absent. */
  readonly graceMs?: number;
}

interface AsOf {
  /** How long versions of the table are kept, in event time. */
  readonly historyMs: number;
  /** Values wait so long, in event time, for versions of the table that come late; 0 where absent. */
  readonly graceMs?: number;
}

/** A stream in windows: what is left to say is what to make of each. */
export interface WindowedStream<V> {
  /**
   * @param name names the state; unique in the topology
   * @param of an aggregator, or one for each field of the result
   * @param emit when results are said; {@link onClose} where absent
   */
  aggregate<F extends Fields<V>>(
    name: string,
    of: F,
    emit?: EmitPolicy,
  ): Stream<WindowResult<CombinedResult<F>>>;
  aggregate<A, R>(name: string, of: Aggregator<V, A, R>, emit?: EmitPolicy): Stream<WindowResult<R>>;
}

/**
 * An unbounded sequence of values with keys. Each method adds to the topology and returns the stream behind it; nothing
 * runs before the topology is started. Functions must be pure: after a failure they are called again for the same value.
 */
export class Stream<V> {
  readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }

  /** Keeps what fits. */
  filter<W extends V>(fits: (value: V, meta: Meta) => value is W): Stream<W>;
  filter(fits: (value: V, meta: Meta) => boolean): Stream<V>;
  filter(fits: (value: V, meta: Meta) => boolean): Stream<V> {
    const filtered = this.#stateless<V>('filter', (next) => (value, meta) => {
      if (fits(value, meta)) next(value, meta);
    });
    return new Stream<V>({ ...filtered.place, contractKey: this.place.contractKey });
  }

  map<W>(change: (value: V, meta: Meta) => W): Stream<W> {
    return this.#stateless<W>('map', (next) => (value, meta) => next(change(value, meta), meta));
  }

  /** Any number of values for each. */
  flatMap<W>(change: (value: V, meta: Meta) => Iterable<W>): Stream<W> {
    return this.#stateless<W>('flat map', (next) => (value, meta) => {
      for (const part of change(value, meta)) next(part, meta);
    });
  }

  /** This stream and another as one; their topics then need equal partition counts. */
  merge<W>(other: Stream<W>): Stream<V | W> {
    checkMeeting('merge', this.place, other.place);
    const kept = this.place.keys === other.place.keys ? this.place.keys : 'changed';
    const inputs = [this.place.node.id, other.place.node.id];
    return this.#behind<V | W>(
      { kind: 'stateless', label: 'merge', inputs, build: (_, next) => [next, next] },
      kept,
    );
  }

  /**
   * Gives values a new key, a field or what the function makes of them; null leaves a value out. What follows and keeps
   * state by key gets its values through a repartition topic of its own, unless the field is the key that the topic has
   * by its contract.
   */
  keyBy(key: KeyOf<V>): Stream<V> {
    const { keys, contractKey } = this.place;
    if (typeof key === 'string' && keys === 'together' && contractKey === key) return this;
    return this.#keyed(key, 'changed');
  }

  /**
   * Gives values a new key without bringing equal keys together: each task aggregates its own part, and whoever reads
   * the results merges the parts. Saves the way through Kafka for what can be added up.
   */
  keyLocallyBy(key: KeyOf<V>): Stream<V> {
    return this.#keyed(key, 'local');
  }

  /** Brings equal keys together through a topic, once for all that follow. */
  repartition(name: string, options: RepartitionOptions<V> = {}): Stream<V> {
    const { codec = json<V>(), partitions } = options;
    const { topology, node } = this.place;
    const topic = repartitionTopic(topology, name);
    return this.#behind<V>(repartitionNode({ name, topic, input: node.id, codec, partitions }), 'together');
  }

  /** Groups the values of each key by time. */
  window(window: WindowSpec): WindowedStream<V> {
    const aggregate = (name: string, of: Fields<V> | AnyAggregator<V>, emit = onClose()) => {
      const together = this.#together(name);
      const aggregator = aggregatorOf(of);
      return together.#behind(
        windowNode({ name, window, aggregator, emit, input: together.place.node.id }),
        together.place.keys,
      );
    };
    return { aggregate: aggregate as WindowedStream<V>['aggregate'] };
  }

  /**
   * A running aggregate for each key over all time.
   * @param name names the state; unique in the topology
   */
  aggregate<F extends Fields<V>>(name: string, of: F): Table<CombinedResult<F>>;
  aggregate<A, R>(name: string, of: Aggregator<V, A, R>): Table<R>;
  aggregate(name: string, of: Fields<V> | AnyAggregator<V>): Table<never> {
    const together = this.#together(name);
    const node = together.#added(aggregateNode(name, aggregatorOf(of), together.place.node.id));
    return new Table<never>({ ...together.place, node });
  }

  /** The latest value of each key as a table; `name` is that of the repartition topic where the key was changed. */
  toTable(name: string): Table<V> {
    return new Table<V>(this.#together(name).place);
  }

  /** Joins what happens within a time of each other, each pair once. */
  join<W, O>(other: Stream<W>, options: Inner<(left: V, right: W) => O> & Within): Stream<O>;
  join<W, O>(
    other: Stream<W>,
    options: JoinOptions<'left', (left: V, right: W | undefined) => O> & Within,
  ): Stream<O>;
  join<W, O>(
    other: Stream<W>,
    options: JoinOptions<'outer', (left: V | undefined, right: W | undefined) => O> & Within,
  ): Stream<O>;
  join<W>(
    other: Stream<W>,
    options: { name: string; kind?: 'inner' | 'left' | 'outer'; with: Both } & Within,
  ): Stream<never> {
    const { name, kind = 'inner', with: both, beforeMs, afterMs, graceMs = 0 } = options;
    const left = this.#together(`${name}-left`);
    const right = other.#together(`${name}-right`);
    checkJoin(name, left.place, right.place);
    const sides = { name, left: left.place.node.id, right: right.place.node.id, both };
    return left.#behind(streamJoinNode(sides, { kind, beforeMs, afterMs, graceMs }), left.place.keys);
  }

  /** Adds the table's present row of the same key; with `left`, also where there is none. */
  joinTable<T, O>(table: Table<T>, options: Inner<(value: V, row: T) => O>): Stream<O>;
  joinTable<T, O>(
    table: Table<T>,
    options: JoinOptions<'left', (value: V, row: T | undefined) => O>,
  ): Stream<O>;
  joinTable<T>(
    table: Table<T>,
    { name, kind = 'inner', with: both }: { name: string; kind?: 'inner' | 'left'; with: Both },
  ): Stream<never> {
    const left = this.#together(name);
    checkJoin(name, left.place, table.place);
    const sides = { name, left: left.place.node.id, right: table.place.node.id, both };
    return left.#behind(tableJoinNode(sides, kind), left.place.keys);
  }

  /** Adds the row that the table had when the value happened; with `left`, also where there was none. */
  joinAsOf<T, O>(table: Table<T>, options: Inner<(value: V, row: T) => O> & AsOf): Stream<O>;
  joinAsOf<T, O>(
    table: Table<T>,
    options: JoinOptions<'left', (value: V, row: T | undefined) => O> & AsOf,
  ): Stream<O>;
  joinAsOf<T>(
    table: Table<T>,
    options: { name: string; kind?: 'inner' | 'left'; with: Both } & AsOf,
  ): Stream<never> {
    const { name, kind = 'inner', with: both, historyMs, graceMs = 0 } = options;
    const left = this.#together(name);
    checkJoin(name, left.place, table.place);
    const sides = { name, left: left.place.node.id, right: table.place.node.id, both };
    return left.#behind(asOfJoinNode(sides, { kind, historyMs, graceMs }), left.place.keys);
  }

  /**
   * What the other methods do not say: a handler with keyed state, timers and any outputs, made once for each task.
   * Stores and timers are declared through the context while it is made.
   *
   * @param name of the step in descriptions, and of its repartition topic where the key was changed before it
   * @param options `holdMs`: how far behind the watermark what it emits may be; `keepsKeys`: whether that goes on under
   *   the key of the value that caused it
   */
  process<O = never>(
    name: string,
    create: (context: NodeContext, emit: Emit<O>) => Handler<V>,
    options: { readonly holdMs?: number; readonly keepsKeys?: boolean } = {},
  ): Stream<O> {
    const { holdMs = 0, keepsKeys = false } = options;
    const together = this.#together(name);
    const { node, keys } = together.place;
    const isKeyed = keys === 'together';
    return together.#behind<O>(
      processNode<V, O>({ name, input: node.id, isKeyed, holdMs, create }),
      keepsKeys ? keys : 'changed',
    );
  }

  /** Writes the values. The stream may go on to others. */
  to(sink: Sink<V>): this {
    this.#added(sinkNode(sink, this.place.node.id));
    return this;
  }

  #keyed(key: KeyOf<V>, keys: 'changed' | 'local'): Stream<V> {
    const keyOf = typeof key === 'function' ? key : (value: V) => textOf(value[key]);
    const label = typeof key === 'function' ? 'key by a function' : `key by ${key}`;
    return this.#behind<V>(
      {
        kind: 'key',
        label: keys === 'local' ? `${label}, by task` : label,
        inputs: [this.place.node.id],
        build: (_, next) => [
          (value: V, meta: Meta) => {
            const made = keyOf(value, meta);
            if (made !== null) next(value, { ...meta, key: made });
          },
        ],
      },
      keys,
    );
  }

  #together(name: string): Stream<V> {
    return this.place.keys === 'changed' ? this.repartition(name) : this;
  }

  #stateless<W>(label: string, make: (next: Push<W>) => Push<V>): Stream<W> {
    return this.#behind<W>(
      { kind: 'stateless', label, inputs: [this.place.node.id], build: (_, next) => [make(next)] },
      this.place.keys,
    );
  }

  #behind<W>(draft: NodeDraft, keys: Place['keys']): Stream<W> {
    return new Stream<W>({ ...this.place, node: this.#added(draft), keys, contractKey: undefined });
  }

  #added(draft: NodeDraft): GraphNode {
    return this.place.graph.add(draft);
  }
}

/**
 * A value for each key that changes over time. Its changes flow as absolute values, null where a key has none any more;
 * whoever needs to look values up, such as a join, keeps them.
 */
export class Table<V> {
  readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }

  map<W>(change: (value: V, meta: Meta) => W): Table<W> {
    return this.#stateless<W>('map of a table', (value, meta) => change(value, meta));
  }

  /** Rows that do not fit, or no longer, are deleted from the table behind. */
  filter(fits: (value: V, meta: Meta) => boolean): Table<V> {
    return this.#stateless<V>('filter of a table', (value, meta) => (fits(value, meta) ? value : null));
  }

  /** Row by row with a table of the same key; a change on either side changes the result. */
  join<W, O>(other: Table<W>, options: Inner<(left: V, right: W) => O>): Table<O>;
  join<W, O>(other: Table<W>, options: JoinOptions<'left', (left: V, right: W | undefined) => O>): Table<O>;
  join<W, O>(
    other: Table<W>,
    options: JoinOptions<'outer', (left: V | undefined, right: W | undefined) => O>,
  ): Table<O>;
  join<W>(
    other: Table<W>,
    { name, kind = 'inner', with: both }: { name: string; kind?: 'inner' | 'left' | 'outer'; with: Both },
  ): Table<never> {
    checkJoin(name, this.place, other.place);
    const sides = { name, left: this.place.node.id, right: other.place.node.id, both };
    return new Table<never>({ ...this.place, node: this.place.graph.add(tablesJoinNode(sides, kind)) });
  }

  /** The changes as a stream; null where a key was deleted. */
  toStream(): Stream<V | null> {
    return new Stream<V | null>(this.place);
  }

  /** Writes the changes. */
  to(sink: Sink<V | null>): this {
    this.toStream().to(sink);
    return this;
  }

  #stateless<W>(label: string, change: (value: V, meta: Meta) => W | null): Table<W> {
    const node = this.place.graph.add({
      kind: 'stateless',
      label,
      inputs: [this.place.node.id],
      build: (_, next) => [
        (value: V | null, meta: Meta) => next(value === null ? null : change(value, meta), meta),
      ],
    });
    return new Table<W>({ ...this.place, node });
  }
}

function aggregatorOf<V>(of: Fields<V> | AnyAggregator<V>): Aggregator<never, unknown, unknown> {
  return isAggregator(of) ? of : combine(of as never);
}

function isAggregator<V>(of: Fields<V> | AnyAggregator<V>): of is AnyAggregator<V> {
  return typeof of['layout'] === 'string';
}

function textOf(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return value === null || value === undefined ? null : JSON.stringify(value);
  }
}
