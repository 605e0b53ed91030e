import type { Aggregator } from '../aggregates/index.ts';
import { packedJson, packingOf } from '../aggregates/accumulator-codec.ts';
import { OK } from '../step-result.ts';
import type { NodeDraft } from './graph.ts';
import { keyedPort } from './placed-value.ts';

/** A running aggregate by key over all time; says the absolute result after each value. */
export function aggregateNode(
  name: string,
  aggregator: Aggregator<never, unknown, unknown>,
  input: number,
): NodeDraft {
  return {
    kind: 'aggregate',
    name,
    label: `aggregate ${name}`,
    inputs: [input],
    isKeyed: true,
    build: (context, next) => {
      const store = context.store<unknown>(name, {
        codec: packedJson(aggregator.layout, packingOf(aggregator)),
        layout: `aggregate/${aggregator.layout}`,
      });
      return [
        keyedPort<never>(context, (key, value, meta) => {
          const accumulator = aggregator.add(store.get(key) ?? aggregator.init(), value);
          store.set(key, accumulator);
          next(aggregator.result(accumulator), meta);
          return OK;
        }),
      ];
    },
  };
}
