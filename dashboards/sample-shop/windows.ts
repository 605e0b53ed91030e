import { MINUTE_MS, type Row, type RowsByTable } from './rows.ts';

/** Window results of two tasks, one with a stale version beside the newer one, and one of a minute still open. */
export function windowRows(toMs: number): RowsByTable {
  const minute = (minutesAgo: number, partition: number, version: number, columns: Row) => ({
    window_start: toMs - minutesAgo * MINUTE_MS,
    partition,
    reason: 'watermark',
    emitted_at: toMs - (minutesAgo - 1) * MINUTE_MS - 20_000,
    version,
    ...columns,
  });
  const shop = (channel: string, views: number) => ({
    channel,
    page_views: 2 * views,
    product_views: views,
    searches: 1,
    cart_adds: 2,
    checkouts: 1,
    recommendation_clicks: 3,
  });
  const sales = (currency: string, columns: Row) => ({
    currency,
    orders: 0,
    captured_payments: 0,
    ...columns,
  });
  return {
    shop_minute: [
      minute(10, 0, 1, shop('web', 90)),
      minute(10, 0, 2, shop('web', 10)),
      minute(10, 1, 1, shop('web', 5)),
      minute(10, 0, 1, shop('app', 7)),
      minute(5, 0, 1, shop('web', 4)),
      minute(0, 0, 1, shop('web', 1000)),
    ],
    item_minute: [
      minute(10, 0, 1, { item_id: 'i1', views: 99, cart_adds: 99 }),
      minute(10, 0, 2, { item_id: 'i1', views: 8, cart_adds: 2 }),
      minute(9, 1, 1, { item_id: 'i1', views: 2, cart_adds: 0 }),
      minute(9, 1, 1, { item_id: 'i2', views: 4, cart_adds: 1 }),
    ],
    sales_minute: [
      minute(4, 0, 1, sales('EUR', { orders: 1, ordered_minor: 1, captured_payments: 1, captured_minor: 1 })),
      minute(
        4,
        0,
        2,
        sales('EUR', {
          orders: 2,
          ordered_minor: 2699,
          captured_payments: 3,
          captured_minor: 2000,
          failed_payments: 1,
          refunded_minor: 100,
        }),
      ),
      minute(
        3,
        1,
        1,
        sales('JPY', { orders: 1, ordered_minor: 500, captured_payments: 1, captured_minor: 500 }),
      ),
    ],
  };
}
