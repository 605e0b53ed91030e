import type { TopicEvents } from '../../../schemas/generated/events.ts';
import { events, json, type Codec } from '../codec.ts';
import type { FreshRow } from '../topology.ts';
import type { Meta, NodeContext } from './graph.ts';

/** Where values of a stream go. */
export interface Sink<V> {
  /** For people: `table sales_minute`. */
  readonly label: string;
  /** The topic that it writes, where it does. */
  readonly topic?: string;
  readonly codec?: Codec<never>;
  /** Whether each value must come with the record that caused it. */
  readonly needsRecord?: boolean;
  /** The topic of the evidence, where what it writes can be explained. */
  readonly evidence?: string;
  /** Makes the sink for a task. */
  open(context: NodeContext): (value: V, meta: Meta) => void;
}

/** That events are decisions which must be explained: what led to each is kept. */
export interface ExplainedEvents<E> {
  /** Topic that takes the evidence, by the contract's name. */
  readonly evidence: string;
  /** Names an event among all of the topic. */
  readonly idOf: (event: E) => string;
}

/**
 * Events to their topic, under the key of the stream, or one of their own. Where they are `explained`, what the step was
 * given that said one (record or timer, time, and the entries of the state that it touched) goes to a topic of its own in
 * the same transaction, so that the step can be taken again. That costs a copy of each entry that such steps touch.
 */
export function toEvents<T extends keyof TopicEvents>(
  topic: T,
  key?: (event: TopicEvents[T]) => string,
  explained?: ExplainedEvents<TopicEvents[T]>,
): Sink<TopicEvents[T]> {
  return {
    label: `events ${topic}${explained === undefined ? '' : ', explained'}`,
    topic,
    ...(explained === undefined ? {} : { evidence: explained.evidence }),
    open: (context) => (event, meta) => {
      const eventKey = key?.(event) ?? meta.key ?? '';
      context.outputs.produce(topic, eventKey, event);
      if (explained === undefined) return;
      const { evidence, idOf } = explained;
      context.decided({ evidence, id: idOf(event), topic, key: eventKey, value: events.encode(event) });
    },
  };
}

/** Values to any topic under the key of the stream; null deletes the key. */
export function toTopic<V>(topic: string, codec: Codec<V> = json<V>()): Sink<V | null> {
  return {
    label: `topic ${topic}`,
    topic,
    codec: codec as Codec<never>,
    open: (context) => (value, meta) =>
      context.outputs.record(topic, {
        key: meta.key,
        value: value === null ? null : codec.encode(value),
        eventTimeMs: meta.eventTimeMs,
        ingestTimeMs: meta.ingestTimeMs,
      }),
  };
}

/** Absolute rows of a window table; the engine adds `partition`, `version` and `emitted_at`. Null writes nothing. */
export function toWindowTable<V>(name: string, row: (value: V, meta: Meta) => FreshRow | null): Sink<V> {
  return {
    label: `table ${name}`,
    open: (context) => (value, meta) => {
      const made = row(value, meta);
      if (made !== null) context.outputs.versionedRow(name, made);
    },
  };
}

/** One row of a fact table for each record, at its place in the log. */
export function toFacts<V>(name: string, row: (value: V, meta: Meta) => FreshRow): Sink<V> {
  return {
    label: `facts ${name}`,
    needsRecord: true,
    open: (context) => (value, meta) => {
      if (meta.position === undefined)
        throw new TypeError(`facts ${name} need a record: results of windows and joins go to a window table`);
      context.outputs.fact(name, meta.position, row(value, meta));
    },
  };
}

/** What is written to the online store. */
export interface OnlineWrite {
  readonly key: string;
  /** Null deletes the key. */
  readonly value: string | null;
  readonly ttlMs: number;
  /** Ingest time of the event that people wait to see: counts as freshness. Absent for tables, which may be read anew. */
  readonly acceptedAtMs?: number;
}

/** What the state keeps of a key of the online store, so that it can be written again. */
type Kept = Pick<OnlineWrite, 'ttlMs'> & { readonly value: string };

/**
 * The absolute value of a key of the online store. The values are kept in the state too, until they are deleted: beyond
 * `maxEntries` those written longest ago go, there and online. Where the state has what makes them, let a `process` say it
 * with `context.onlineView`.
 */
export function toOnline<V>(
  what: string,
  write: (value: V, meta: Meta) => OnlineWrite,
  { maxEntries }: { readonly maxEntries?: number } = {},
): Sink<V> {
  return {
    label: `online ${what}`,
    open: (context) => {
      const options = maxEntries === undefined ? {} : { maxEntries };
      const store = context.store<Kept>(`online ${what}`, options);
      const view = context.onlineView(store, {
        key: (key) => key,
        value: ({ value }) => value,
        ttlMs: ({ ttlMs }) => ttlMs,
      });
      return (value, meta) => {
        const { key, value: text, ttlMs, acceptedAtMs } = write(value, meta);
        if (text === null) store.delete(key);
        else store.set(key, { value: text, ttlMs });
        if (acceptedAtMs !== undefined) view.accepted(key, acceptedAtMs);
      };
    },
  };
}
