import type { Aggregator } from '../aggregates/index.ts';
import { aggregateWindows, type EmitPolicy, type WindowResult, type WindowSpec } from '../windows/index.ts';
import type { NodeDraft } from './graph.ts';
import { derivedMeta, keyedPort } from './placed-value.ts';

export interface WindowNodeOptions {
  readonly name: string;
  readonly window: WindowSpec;
  readonly aggregator: Aggregator<never, unknown, unknown>;
  readonly emit: EmitPolicy;
  readonly input: number;
}

/** Aggregates windows by key; says a {@link WindowResult} for each emission. */
export function windowNode({ name, window, aggregator, emit, input }: WindowNodeOptions): NodeDraft {
  return {
    kind: 'window',
    name,
    label: `${window.layout} ${name}`,
    inputs: [input],
    holdMs: window.holdMs,
    isKeyed: true,
    build: (context, next) => {
      const windows = aggregateWindows<never, unknown, unknown>(context, {
        name,
        window,
        aggregator,
        emit,
        onResult: (result: WindowResult<unknown>) =>
          next(result, derivedMeta(context, result.key, result.eventTimeMs)),
      });
      return [keyedPort<never>(context, (key, value, meta) => windows.add(key, value, meta.eventTimeMs))];
    },
  };
}
