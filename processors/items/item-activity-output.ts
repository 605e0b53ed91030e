import type { ItemActivity } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { internalEnvelope } from '../internal-event.ts';
import { toEvents, type NodeContext } from '../runtime/dsl/index.ts';
import type { ItemTotals } from './item-activity-buffer.ts';

/** Coalesced totals of items as events for the sub-topology that owns the items. */
export function itemActivities(
  context: NodeContext,
  items: ReadonlyMap<string, ItemTotals>,
): readonly ItemActivity[] {
  return [...items].map(([itemId, totals]) => ({
    type: 'ItemActivity',
    ...internalEnvelope(context, { eventTime: totals.latestEventTimeMs, traceparent: null }),
    itemId,
    views: totals.views,
    carts: totals.carts,
    purchases: totals.purchases,
    neighbours: [...totals.neighbours].map(([id, weight]) => ({ itemId: id, weight })),
  }));
}

export const itemActivitySink = toEvents(INTERNAL_TOPICS.itemActivity.name, ({ itemId }) => itemId);
