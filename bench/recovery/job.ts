import { events, type Codec } from '../../processors/runtime/codec.ts';
import { topology, type NodeContext, type Push } from '../../processors/runtime/dsl/index.ts';
import type { Subtopology } from '../../processors/runtime/topology.ts';
import type { ProductViewed } from '../../schemas/generated/events.ts';

/**
 * A job whose state has to come back: views by item, behind the duplicate filter. It writes no rows and no online values.
 * @param name of the run, whose state is its own
 */
export function recoveryJob(topic: string, name: string): readonly Subtopology[] {
  const app = topology(name);
  app.stream(topic, { codec: events as Codec<ProductViewed>, subtopology: name }).process('totals', totals);
  const { subtopologies } = app.build();
  return subtopologies.map((made) => ({
    ...made,
    inputs: made.inputs.map((input) => ({ ...input, deduplicated: true })),
  }));
}

function totals(context: NodeContext): Push<ProductViewed> {
  const store = context.store<number>('totals');
  return ({ itemId }) => {
    store.set(itemId, (store.get(itemId) ?? 0) + 1);
  };
}
