/** Sub-topology `catalog`, keyed by item: the current state of items, for analysts and for those who show them. */
import type { ItemUpserted } from '../../schemas/generated/events.ts';
import { itemKey, TTL_MS, type ItemCard } from '../../schemas/keys.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { DROP, OK, type StepResult } from '../runtime/step-result.ts';
import type { InputRecord, Processor, Subtopology, TaskContext } from '../runtime/topology.ts';

function cardOf(event: ItemUpserted): ItemCard {
  return {
    title: event.title,
    category: event.category,
    priceMinor: event.price.amountMinor,
    currency: event.price.currency,
    active: event.active,
  };
}

function catalogProcessor(context: TaskContext): Processor {
  return {
    process({ event }: InputRecord): StepResult {
      if (event.type !== 'ItemUpserted') return DROP;
      context.outputs.versionedRow('items', {
        item_id: event.itemId,
        title: event.title,
        category: event.category,
        brand: event.brand ?? '',
        price_minor: event.price.amountMinor,
        currency: event.price.currency,
        seller_id: event.sellerId,
        active: event.active,
        event_time: event.eventTime,
      });
      context.outputs.online(itemKey(event.itemId), {
        value: () => JSON.stringify(cardOf(event)),
        ttlMs: TTL_MS.item,
      });
      return OK;
    },
  };
}

export const catalogSubtopology: Subtopology = {
  name: 'catalog',
  inputs: [SHOP_TOPICS.catalog.name],
  deduplicated: [SHOP_TOPICS.catalog.name],
  create: catalogProcessor,
};
