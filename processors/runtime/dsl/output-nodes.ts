import type { Codec } from '../codec.ts';
import { OK } from '../step-result.ts';
import type { Meta, NodeContext, NodeDraft, Push } from './graph.ts';
import type { Sink } from './sinks.ts';

/** Sends values to the tasks that their keys belong to. A value without a key is left out. */
export function repartitionNode<V>(options: {
  readonly name: string;
  readonly topic: string;
  readonly input: number;
  readonly codec: Codec<V>;
  readonly partitions: number | undefined;
}): NodeDraft {
  const { name, topic, input, codec, partitions } = options;
  return {
    kind: 'repartition',
    name,
    label: `repartition ${name}`,
    inputs: [input],
    target: { topic, codec: codec as Codec<never>, partitions, isRepartition: true },
    build: (context) => [
      (value: V, { key, eventTimeMs, ingestTimeMs }: Meta) => {
        context.report(OK);
        if (key === null) return;
        context.outputs.record(topic, { key, eventTimeMs, ingestTimeMs, value: codec.encode(value) });
      },
    ],
  };
}

export function sinkNode<V>(sink: Sink<V>, input: number): NodeDraft {
  const { label, topic, codec, needsRecord = false, evidence } = sink;
  return {
    kind: 'sink',
    label,
    inputs: [input],
    needsRecord,
    ...(evidence === undefined ? {} : { evidence }),
    ...(topic === undefined ? {} : { target: { topic, codec, isRepartition: false } }),
    build: (context) => {
      const write = sink.open(context);
      return [
        (value: V, meta: Meta) => {
          context.report(OK);
          write(value, meta);
        },
      ];
    },
  };
}

/** What a handler of `process` may be: a function, or one with something to do before each commit. */
export type Handler<V> =
  | Push<V>
  | { readonly process: Push<V> /** Hands out what was coalesced. */; readonly beforeCommit: () => void };

/**
 * Says a value. What a timer or a commit causes has no record and no time of ingestion: both may be left out, and the
 * clock is taken.
 */
export type Emit<V> = (
  value: V,
  meta: Pick<Meta, 'key' | 'eventTimeMs'> & Partial<Pick<Meta, 'ingestTimeMs' | 'position'>>,
) => void;

export interface ProcessNodeOptions<V, O> {
  readonly name: string;
  readonly input: number;
  readonly isKeyed: boolean;
  readonly holdMs: number;
  readonly create: (context: NodeContext, emit: Emit<O>) => Handler<V>;
}

export function processNode<V, O>(options: ProcessNodeOptions<V, O>): NodeDraft {
  const { name, input, isKeyed, holdMs, create } = options;
  return {
    kind: 'process',
    name,
    label: `process ${name}`,
    inputs: [input],
    holdMs,
    isKeyed,
    build: (context, next) => {
      let results = 0;
      const report: NodeContext['report'] = (result) => {
        results += 1;
        context.report(result);
      };
      const emit: Emit<O> = (value, meta) =>
        next(value, meta.ingestTimeMs === undefined ? complete(meta, context.now()) : (meta as Meta));
      const handler = create({ ...context, report }, emit);
      if (typeof handler !== 'function') context.beforeCommit(handler.beforeCommit);
      const handle = typeof handler === 'function' ? handler : handler.process;
      return [
        (value: V, meta: Meta) => {
          const before = results;
          handle(value, meta);
          // A handler that says nothing of a record has dealt with it.
          if (results === before) context.report(OK);
        },
      ];
    },
  };
}

function complete(meta: Parameters<Emit<never>>[1], nowMs: number): Meta {
  const { key, eventTimeMs, position } = meta;
  return { key, eventTimeMs, position, ingestTimeMs: nowMs };
}
