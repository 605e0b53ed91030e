import type { ClickstreamEvent } from '../../schemas/generated/events.ts';
import { OK, type StepResult } from '../runtime/step-result.ts';
import type { TaskContext } from '../runtime/topology.ts';

const MINUTE_MS = 60_000;

interface ShopMinute {
  page_views: number;
  product_views: number;
  searches: number;
  cart_adds: number;
  checkouts: number;
  recommendation_clicks: number;
}

interface ItemMinute {
  views: number;
  cart_adds: number;
}

function count(minute: ShopMinute, event: ClickstreamEvent): void {
  switch (event.type) {
    case 'PageViewed':
    case 'ListViewed':
      minute.page_views += 1;
      return;
    case 'ProductViewed':
      minute.product_views += 1;
      return;
    case 'SearchPerformed':
      minute.searches += 1;
      return;
    case 'CartChanged':
      if (event.quantityDelta > 0) minute.cart_adds += 1;
      return;
    case 'CheckoutStepped':
      if (event.step === 'started') minute.checkouts += 1;
      return;
    case 'RecommendationClicked':
      minute.recommendation_clicks += 1;
      return;
    case 'RecommendationImpressed':
  }
}

/** Shop and item metrics by minute: tables `shop_minute` and `item_minute`. */
export function minuteWindows(
  context: TaskContext,
  graceMs: number,
): (event: ClickstreamEvent) => StepResult {
  const shop = context.tumbling<ShopMinute>({
    name: 'shop-minute',
    sizeMs: MINUTE_MS,
    graceMs,
    init: () => ({
      page_views: 0,
      product_views: 0,
      searches: 0,
      cart_adds: 0,
      checkouts: 0,
      recommendation_clicks: 0,
    }),
    emit: ({ key, windowStartMs, value, reason }) =>
      context.outputs.versionedRow('shop_minute', {
        window_start: windowStartMs,
        channel: key,
        ...value,
        reason,
      }),
  });
  const items = context.tumbling<ItemMinute>({
    name: 'item-minute',
    sizeMs: MINUTE_MS,
    graceMs,
    init: () => ({ views: 0, cart_adds: 0 }),
    emit: ({ key, windowStartMs, value, reason }) =>
      context.outputs.versionedRow('item_minute', {
        window_start: windowStartMs,
        item_id: key,
        ...value,
        reason,
      }),
  });
  return (event) => {
    const result = shop.add(event.channel, event.eventTime, (minute) => count(minute, event));
    // Both windows have the same size and grace: what is late for one is late for the other.
    if (result.kind !== 'ok') return result;
    if (event.type === 'ProductViewed')
      return items.add(event.itemId, event.eventTime, (minute) => (minute.views += 1));
    if (event.type === 'CartChanged' && event.quantityDelta > 0) {
      return items.add(event.itemId, event.eventTime, (minute) => (minute.cart_adds += 1));
    }
    return OK;
  };
}
