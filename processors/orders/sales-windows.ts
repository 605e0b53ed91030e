import type { OrdersEvent, PaymentsEvent } from '../../schemas/generated/events.ts';
import { countIf, sum } from '../runtime/aggregates/index.ts';
import { isOneOf, toWindowTable, type Stream } from '../runtime/dsl/index.ts';
import { onUpdate, tumbling } from '../runtime/windows/index.ts';

const MINUTE_MS = 60_000;

const isSale = isOneOf('OrderPlaced', 'PaymentCaptured', 'PaymentFailed', 'PaymentRefunded');
type Sale = Extract<
  OrdersEvent | PaymentsEvent,
  { type: 'OrderPlaced' | 'PaymentCaptured' | 'PaymentFailed' | 'PaymentRefunded' }
>;

const countOf = (type: Sale['type']) => countIf<Sale>((sale) => sale.type === type);
const amountOf = (type: Sale['type']) =>
  sum<Sale>((sale) => (sale.type === type ? moneyOf(sale).amountMinor : undefined));

function moneyOf(sale: Sale) {
  return sale.type === 'OrderPlaced' ? sale.total : sale.amount;
}

/**
 * Orders and money by minute and currency, gross and refunds apart: table `sales_minute`. Each task has its part of a
 * minute; the view adds the parts up.
 *
 * @param graceMs how long after its end a minute still takes events
 */
export function salesWindows(events: Stream<OrdersEvent | PaymentsEvent>, graceMs: number): void {
  events
    .filter<Sale>((event): event is Sale => isSale(event))
    .keyLocallyBy((sale) => moneyOf(sale).currency)
    .window(tumbling({ sizeMs: MINUTE_MS, graceMs }))
    .aggregate(
      'sales-by-minute',
      {
        orders: countOf('OrderPlaced'),
        ordered_minor: amountOf('OrderPlaced'),
        captured_payments: countOf('PaymentCaptured'),
        captured_minor: amountOf('PaymentCaptured'),
        failed_payments: countOf('PaymentFailed'),
        refunded_minor: amountOf('PaymentRefunded'),
      },
      onUpdate(),
    )
    .to(
      toWindowTable('sales_minute', ({ key, windowStartMs, value, reason }) => ({
        window_start: windowStartMs,
        currency: key,
        ...value,
        reason,
      })),
    );
}
