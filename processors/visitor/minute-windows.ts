import type { CartChanged, ClickstreamEvent, ProductViewed } from '../../schemas/generated/events.ts';
import { countIf } from '../runtime/aggregates/index.ts';
import { isOneOf, toWindowTable, type Stream } from '../runtime/dsl/index.ts';
import { onUpdate, tumbling } from '../runtime/windows/index.ts';

const MINUTE_MS = 60_000;

const isA = (...types: readonly ClickstreamEvent['type'][]) => {
  const wanted = new Set<string>(types);
  return countIf<ClickstreamEvent>(({ type }) => wanted.has(type));
};
const isCartAdd = (event: ClickstreamEvent) => event.type === 'CartChanged' && event.quantityDelta > 0;

/**
 * Shop and item metrics by minute: tables `shop_minute` and `item_minute`. Each task has its part of a minute; the views
 * of the tables add the parts up.
 *
 * @param graceMs how long after its end a minute still takes events
 */
export function minuteWindows(people: Stream<ClickstreamEvent>, graceMs: number): void {
  const minutes = tumbling({ sizeMs: MINUTE_MS, graceMs });
  people
    .filter(({ type }) => type !== 'RecommendationImpressed')
    .keyLocallyBy('channel')
    .window(minutes)
    .aggregate(
      'shop-by-minute',
      {
        page_views: isA('PageViewed', 'ListViewed'),
        product_views: isA('ProductViewed'),
        searches: isA('SearchPerformed'),
        cart_adds: countIf(isCartAdd),
        checkouts: countIf((event) => event.type === 'CheckoutStepped' && event.step === 'started'),
        recommendation_clicks: isA('RecommendationClicked'),
      },
      onUpdate(),
    )
    .to(
      toWindowTable('shop_minute', ({ key, windowStartMs, value, reason }) => ({
        window_start: windowStartMs,
        channel: key,
        ...value,
        reason,
      })),
    );
  people
    .filter(isOneOf('ProductViewed', 'CartChanged'))
    .filter((event) => event.type === 'ProductViewed' || isCartAdd(event))
    .keyLocallyBy('itemId')
    .window(minutes)
    .aggregate(
      'items-by-minute',
      {
        views: countIf<ProductViewed | CartChanged>(({ type }) => type === 'ProductViewed'),
        cart_adds: countIf<ProductViewed | CartChanged>(({ type }) => type === 'CartChanged'),
      },
      onUpdate(),
    )
    .to(
      toWindowTable('item_minute', ({ key, windowStartMs, value, reason }) => ({
        window_start: windowStartMs,
        item_id: key,
        ...value,
        reason,
      })),
    );
}
