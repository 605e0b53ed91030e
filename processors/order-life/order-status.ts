/** What the state of an order says: how far it is, and what it waits for. Pure; no order of events matters here. */
import type { ProcessingConfig } from '../../platform/config.ts';
import { amountIn, type Amounts, type OrderState, type Step } from './order-state.ts';

export type OrderStatus =
  | 'unknown'
  | 'placed'
  | 'confirmed'
  | 'authorised'
  | 'captured'
  | 'held'
  | 'shipped'
  | 'delivered'
  | 'completed'
  | 'cancelled'
  | 'returned'
  | 'refunded'
  | 'charged_back';

/** Times of the parcels together, epoch ms; undefined where it has not happened. */
export interface Delivery {
  /** First parcel announced to a carrier. */
  readonly announcedMs: number | undefined;
  /** First parcel scanned by a carrier. */
  readonly shippedMs: number | undefined;
  /** Last parcel delivered, once all that are known are. */
  readonly deliveredMs: number | undefined;
  /** Latest promise. */
  readonly promisedMs: number | undefined;
  readonly parcels: number;
  readonly delivered: number;
  /** Met an exception and not delivered since. */
  readonly failed: number;
}

export function deliveryOf({ parcels }: OrderState): Delivery {
  const all = Object.values(parcels);
  const times = (of: (parcel: (typeof all)[number]) => number | undefined) =>
    all.flatMap((parcel) => of(parcel) ?? []);
  const delivered = times(({ deliveredMs }) => deliveredMs);
  return {
    announcedMs: least(times(({ announcedMs }) => announcedMs)),
    shippedMs: least(times(({ movedMs }) => movedMs)),
    deliveredMs: delivered.length === all.length ? greatest(delivered) : undefined,
    promisedMs: greatest(times(({ promisedMs }) => promisedMs)),
    parcels: all.length,
    delivered: delivered.length,
    failed: all.filter(({ failedMs, deliveredMs }) => failedMs !== undefined && deliveredMs === undefined)
      .length,
  };
}

/**
 * How far an order has come. What ends it says more than what happened on the way, so that a late event of an earlier step
 * changes nothing; a hold lasts until the order is confirmed or its payment captured.
 */
export function statusOf(order: OrderState, delivery = deliveryOf(order)): OrderStatus {
  const has = (step: Step) => order.times[step] !== undefined;
  if (has('chargedBack')) return 'charged_back';
  if (has('captured') && has('refunded') && !isOwed(order.captured, order.refunded)) return 'refunded';
  if (has('returned')) return 'returned';
  if (has('cancelled')) return 'cancelled';
  if (has('completed')) return 'completed';
  if (delivery.deliveredMs !== undefined) return 'delivered';
  if (delivery.shippedMs !== undefined) return 'shipped';
  if (isOnHold(order)) return 'held';
  if (has('captured')) return 'captured';
  if (has('authorised')) return 'authorised';
  if (has('confirmed')) return 'confirmed';
  return order.placed === undefined ? 'unknown' : 'placed';
}

/** Event time after which an order that waits for a step counts as stuck. */
export type OrderLimits = ProcessingConfig['orderLimits'];

export interface Wait {
  /** What has to come next. */
  readonly step: 'payment' | 'review' | 'capture' | 'ship' | 'delivery' | 'refund';
  readonly sinceMs: number;
  /** From when on the order counts as stuck. */
  readonly dueMs: number;
}

/** What an order waits for; undefined where it waits for nothing that can be missed. */
export function waitOf(
  order: OrderState,
  limits: OrderLimits,
  delivery = deliveryOf(order),
): Wait | undefined {
  const waits = (step: Wait['step'], sinceMs: number, limitMs: number): Wait => ({
    step,
    sinceMs,
    dueMs: sinceMs + limitMs,
  });
  const { placed, times } = order;
  const refundSinceMs = refundOwedSince(order);
  if (refundSinceMs !== undefined) return waits('refund', refundSinceMs, limits.refundMs);
  const { shippedMs, deliveredMs, promisedMs } = delivery;
  const isOver = times.chargedBack ?? times.cancelled ?? times.completed ?? times.returned ?? deliveredMs;
  if (isOver !== undefined || statusOf(order, delivery) === 'refunded') return undefined;
  if (shippedMs !== undefined) {
    const dueMs = promisedMs ?? shippedMs + limits.deliveryMs;
    return { step: 'delivery', sinceMs: shippedMs, dueMs };
  }
  if (times.held !== undefined && isOnHold(order)) return waits('review', times.held[1], limits.reviewMs);
  if (times.captured !== undefined) return waits('ship', times.captured[0], limits.shipMs);
  if (times.authorised !== undefined) return waits('capture', times.authorised[0], limits.captureMs);
  return placed === undefined ? undefined : waits('payment', placed.atMs, limits.paymentMs);
}

function isOnHold({ times }: OrderState): boolean {
  const heldMs = times.held?.[1];
  if (heldMs === undefined) return false;
  return Math.max(times.confirmed?.[1] ?? 0, times.captured?.[1] ?? 0) < heldMs;
}

/** Since when money should have gone back: for returned goods what was said with them, for a cancelled order all of it. */
function refundOwedSince({ times, captured, refunded, refundsOwed }: OrderState): number | undefined {
  if (times.chargedBack !== undefined || times.captured === undefined) return undefined;
  const [paidMs] = times.captured;
  if (times.returned !== undefined && isOwed(refundsOwed, refunded))
    return Math.max(times.returned[0], paidMs);
  if (times.cancelled !== undefined && isOwed(captured, refunded))
    return Math.max(times.cancelled[0], paidMs);
  return undefined;
}

/** Whether less was given back than is due, in any currency. */
function isOwed(due: Amounts, given: Amounts): boolean {
  return Object.entries(due).some(([currency, amountMinor]) => amountIn(given, currency) < amountMinor);
}

function least(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function greatest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times);
}
