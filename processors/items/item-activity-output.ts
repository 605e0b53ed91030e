import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope } from '../internal-event.ts';
import type { TaskContext } from '../runtime/topology.ts';
import type { ItemTotals } from './item-activity-buffer.ts';

/** Sends coalesced item totals to the sub-topology that owns the items. */
export function produceItemActivity(context: TaskContext, items: ReadonlyMap<string, ItemTotals>): void {
  for (const [itemId, totals] of items) {
    context.outputs.produce(INTERNAL_TOPICS.itemActivity.name, itemId, {
      type: 'ItemActivity',
      ...internalEnvelope(context, { eventTime: totals.latestEventTimeMs, traceparent: null }),
      itemId,
      views: totals.views,
      carts: totals.carts,
      purchases: totals.purchases,
      neighbours: [...totals.neighbours].map(([id, weight]) => ({ itemId: id, weight })),
    });
  }
}
