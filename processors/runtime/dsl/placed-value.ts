/** How nodes with state take values: with a key, and with a result that is told of the record. */
import type { StepResult } from '../step-result.ts';
import type { Meta, NodeContext, Push } from './graph.ts';

/** A port that keeps state by key. A value without a key takes no part; records without one were refused at the source. */
export function keyedPort<V>(
  context: NodeContext,
  add: (key: string, value: V, meta: Meta) => StepResult,
): Push<V> {
  return (value, meta) => {
    if (meta.key !== null) context.report(add(meta.key, value, meta));
  };
}

/** Goes along with a result that several records, or time alone, have made. */
export function derivedMeta(context: NodeContext, key: string, eventTimeMs: number): Meta {
  return { key, eventTimeMs, ingestTimeMs: context.now(), position: undefined };
}
