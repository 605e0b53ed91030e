/** Sub-topology `catalog`, keyed by item: the current state of items, for analysts and for those who show them. */
import type { ItemUpserted } from '../../schemas/generated/events.ts';
import { itemKey, TTL_MS, type ItemCard } from '../../schemas/keys.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { toOnline, toWindowTable, type TopologyBuilder } from '../runtime/dsl/index.ts';

const MAX_ITEMS_PER_TASK = 1_000_000;

function cardOf(event: ItemUpserted): ItemCard {
  return {
    title: event.title,
    category: event.category,
    priceMinor: event.price.amountMinor,
    currency: event.price.currency,
    active: event.active,
  };
}

export function catalogJob(app: TopologyBuilder): void {
  const items = app.events(SHOP_TOPICS.catalog.name, { subtopology: 'catalog', deduplicated: true });
  items.to(
    toWindowTable('items', (event) => ({
      item_id: event.itemId,
      title: event.title,
      category: event.category,
      brand: event.brand ?? '',
      price_minor: event.price.amountMinor,
      currency: event.price.currency,
      seller_id: event.sellerId,
      active: event.active,
      event_time: event.eventTime,
    })),
  );
  items.to(
    toOnline(
      'item cards',
      (event) => ({
        key: itemKey(event.itemId),
        value: JSON.stringify(cardOf(event)),
        ttlMs: TTL_MS.item,
      }),
      { maxEntries: MAX_ITEMS_PER_TASK },
    ),
  );
}
