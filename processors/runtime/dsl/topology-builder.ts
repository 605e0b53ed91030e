import type { EventOf, MillraceEvent, TopicEvents } from '../../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS, type TopicContract } from '../../../schemas/topics.ts';
import { SCHEMAS } from '../../../schemas/registry.ts';
import type { Codec } from '../codec.ts';
import type { Input } from '../topology.ts';
import { compile, type Topology } from './compile.ts';
import { Graph, type GraphNode } from './graph.ts';
import { Stream, Table } from './stream.ts';
import { topologyError } from './topology-error.ts';

export interface EventSourceOptions {
  /** Names the sub-topology that reads it, and with it its tasks and their changelog. */
  readonly subtopology?: string;
  /** Drops an eventId that was seen in the last 24 h: for events from outside. */
  readonly deduplicated?: boolean;
}

export interface SourceOptions<V> {
  readonly codec: Codec<V>;
  /** When a value happened, epoch ms. Where absent: the header that the engine writes, else the log timestamp. */
  readonly eventTimeOf?: (value: V) => number;
  readonly subtopology?: string;
}

/** Builds one application's topology: streams and tables from topics, what is made of them, and where it goes. */
export interface TopologyBuilder {
  /** Events of a topic of the registry. The same topic may be asked for again: it is read once. */
  events<T extends keyof TopicEvents>(topic: T, options?: EventSourceOptions): Stream<TopicEvents[T]>;
  /** Values of any topic. */
  stream<V>(topic: string, options: SourceOptions<V>): Stream<V>;
  /** A compacted topic of events as a table under its key. */
  eventTable<T extends keyof TopicEvents>(topic: T, options?: EventSourceOptions): Table<TopicEvents[T]>;
  /** A compacted topic as a table under its key; a record without a value deletes its key. */
  table<V>(topic: string, options: SourceOptions<V>): Table<V>;
  /** Stores that an earlier version had in a sub-topology: what is left of them is deleted. */
  retire(subtopology: string, ...stores: readonly string[]): void;
  /**
   * The finished topology.
   * @throws MillraceError MR_TOPOLOGY_INVALID, naming every fault
   */
  build(): Topology;
}

const CONTRACTS: ReadonlyMap<string, TopicContract> = new Map(
  [...Object.values(SHOP_TOPICS), ...Object.values(INTERNAL_TOPICS)].map((topic) => [topic.name, topic]),
);

const NO_TYPES: ReadonlySet<string> = new Set();
/** Types of events by topic, as the registry has them. */
const TYPES = new Map<string, Set<string>>();
for (const { topic, record } of SCHEMAS) TYPES.set(topic, (TYPES.get(topic) ?? new Set()).add(record));

/**
 * Begins a topology.
 * @param name a-z, 0-9 and -: part of the names of its repartition topics
 */
export function topology(name: string): TopologyBuilder {
  if (!/^[a-z][a-z0-9-]*$/.test(name))
    throw topologyError(name, ['a topology is named with a-z, 0-9 and -, a letter first']);
  const graph = new Graph();
  const sources = new Map<string, GraphNode>();
  const retired = new Map<string, readonly string[]>();
  const faults: string[] = [];

  const source = (input: Input, subtopology: string | undefined) => {
    const known = sources.get(input.topic);
    const node = known ?? graph.add(sourceNode(input, subtopology));
    sources.set(input.topic, node);
    const other = known?.source && differenceOf(known.source.input, input);
    if (other !== undefined) faults.push(`${input.topic} is read in two ways, with another ${other}`);
    const contractKey = CONTRACTS.get(input.topic)?.key;
    return { topology: name, graph, node, keys: 'together' as const, contractKey };
  };
  const eventInput = (topic: string, { deduplicated = false }: EventSourceOptions = {}): Input => ({
    topic,
    deduplicated,
    types: TYPES.get(topic) ?? NO_TYPES,
  });
  const valueInput = <V>(topic: string, { codec, eventTimeOf }: SourceOptions<V>): Input => ({
    topic,
    codec,
    ...(eventTimeOf === undefined ? {} : { eventTimeOf }),
  });

  return {
    events: (topic, options) => new Stream(source(eventInput(topic, options), options?.subtopology)),
    stream: (topic, options) => new Stream(source(valueInput(topic, options), options.subtopology)),
    eventTable: (topic, options) =>
      new Table(source({ ...eventInput(topic, options), tombstones: true }, options?.subtopology)),
    table: (topic, options) =>
      new Table(source({ ...valueInput(topic, options), tombstones: true }, options.subtopology)),
    retire: (subtopology, ...stores) =>
      void retired.set(subtopology, [...(retired.get(subtopology) ?? []), ...stores]),
    build: () => compile({ name, graph, retired, faults }),
  };
}

/** Whether an event is of one of these types; for `filter`. */
export function isOneOf<N extends MillraceEvent['type']>(
  ...types: readonly N[]
): (event: MillraceEvent) => event is EventOf<N> {
  const wanted = new Set<string>(types);
  return (event): event is EventOf<N> => wanted.has(event.type);
}

function sourceNode(input: Input, subtopology: string | undefined) {
  return {
    kind: 'source' as const,
    label: input.topic,
    inputs: [],
    source: { input, subtopology },
    build: () => [],
  };
}

function differenceOf(a: Input, b: Input): string | undefined {
  if (a.codec !== b.codec) return 'codec';
  if (a.eventTimeOf !== b.eventTimeOf) return 'event time';
  if ((a.deduplicated ?? false) !== (b.deduplicated ?? false)) return 'way with duplicates';
  return (a.tombstones ?? false) === (b.tombstones ?? false) ? undefined : 'way with deletions';
}
