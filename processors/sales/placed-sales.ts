import type { NodeContext, Push } from '../runtime/dsl/index.ts';
import type { KeyedStore } from '../runtime/state/keyed-store.ts';
import {
  NO_PLACE,
  saleOf,
  type PaymentSaleEvent,
  type Sale,
  type SaleEvent,
  type SalePlace,
} from './sale.ts';

/** Refunds and charge-backs find the channel of their order for so long. */
const ORDER_TTL_MS = 200 * 86_400_000;
/** Payments of one order that find their place when it comes after them; what is more stays without. */
const MAX_UNPLACED = 100;

/** A payment that was told without its place, as much of it as is needed to move it there. */
type Unplaced = Pick<PaymentSaleEvent, 'type' | 'amount' | 'eventTime' | 'ingestTime'>;

export interface PlacedSalesOptions {
  /** Event time for which a payment can still be moved: as long as every window corrects what it was counted in. */
  readonly movableMs: number;
}

/**
 * Gives payments the channel and business mode of their order. A payment that comes before its order is told without; when
 * the order comes, it is taken back and told at its place.
 *
 * With each payment the row of those without a place is told too, be it of nothing: the task before this one may have told
 * the payment there, in a commit that stopped between the rows and their transaction, and may have read the two topics
 * in another order.
 */
export function placedSales(
  context: NodeContext,
  emit: Push<Sale>,
  { movableMs }: PlacedSalesOptions,
): Push<SaleEvent> {
  const places = context.store<SalePlace>('sale-places', { ttlMs: ORDER_TTL_MS });
  const unplaced = context.store<readonly Unplaced[]>('sales-without-place', { ttlMs: movableMs });
  /** Orders since the last commit; with one too many where a step is rolled back. */
  const placed = new Set<string>();
  // Not with the order itself, which is not late, though the payments that it moves may be.
  context.attach({
    beforeCommit: () => {
      for (const orderId of placed) {
        const place = places.get(orderId);
        const payments = unplaced.get(orderId);
        if (place === undefined || payments === undefined) continue;
        unplaced.delete(orderId);
        for (const payment of payments)
          if (payment.eventTime + movableMs > context.watermarkMs()) move(payment, { orderId, place }, emit);
      }
      placed.clear();
    },
  });
  return (event, meta) => {
    const { orderId } = event;
    if (event.type === 'OrderPlaced') {
      const place = { channel: event.channel, mode: event.mode };
      places.set(orderId, place);
      placed.add(orderId);
      emit(saleOf(event, place), meta);
      return;
    }
    const place = places.get(orderId);
    emit(saleOf(event, NO_PLACE, place === undefined ? 1 : 0), meta);
    if (place !== undefined) emit(saleOf(event, place), meta);
    else remember(unplaced, event);
  };
}

function remember(unplaced: KeyedStore<readonly Unplaced[]>, payment: PaymentSaleEvent): void {
  const { orderId, type, amount, eventTime, ingestTime } = payment;
  const before = unplaced.get(orderId) ?? [];
  if (before.length < MAX_UNPLACED)
    unplaced.set(orderId, [...before, { type, amount, eventTime, ingestTime }]);
}

/** Tells a payment at the place of its order that was told without. */
function move(
  payment: Unplaced,
  { orderId, place }: { readonly orderId: string; readonly place: SalePlace },
  emit: Push<Sale>,
): void {
  const { eventTime: eventTimeMs, ingestTime: ingestTimeMs } = payment;
  const meta = { key: orderId, eventTimeMs, ingestTimeMs, position: undefined };
  emit(saleOf(payment, NO_PLACE, -1), meta);
  emit(saleOf(payment, place), meta);
}
