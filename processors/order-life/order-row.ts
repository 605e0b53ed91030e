import type { FreshRow } from '../runtime/topology.ts';
import type { ShopDay } from '../shop-calendar.ts';
import type { OrderState, Step } from './order-state.ts';
import { deliveryOf, statusOf, waitOf, type OrderLimits, type Wait } from './order-status.ts';

export interface OrderRowOptions {
  readonly limits: OrderLimits;
  readonly dayOf: (timeMs: number) => ShopDay;
  /** Event time up to which all is known: an order is stuck once its wait was due by then. */
  readonly watermarkMs: number;
}

/** The row of table `order_life`: it follows from what has happened to the order, and from how far time has come. */
export function orderRow(orderId: string, order: OrderState, options: OrderRowOptions): FreshRow {
  const { placed, failedPayments, cancelReason, updatedMs } = order;
  const delivery = deliveryOf(order);
  const firstOf = (step: Step) => order.times[step]?.[0] ?? null;
  return {
    order_id: orderId,
    placed_at: placed?.atMs ?? null,
    day: placed === undefined ? null : options.dayOf(placed.atMs).date,
    buyer_id: placed?.buyerId ?? '',
    seller_id: placed?.sellerId ?? '',
    channel: placed?.channel ?? '',
    mode: placed?.mode ?? '',
    currency: placed?.total.currency ?? '',
    ordered_minor: placed?.total.amountMinor ?? 0,
    status: statusOf(order, delivery),
    ...waitColumns(waitOf(order, options.limits, delivery), options.watermarkMs),
    held_at: firstOf('held'),
    confirmed_at: firstOf('confirmed'),
    authorised_at: firstOf('authorised'),
    captured_at: firstOf('captured'),
    announced_at: delivery.announcedMs ?? null,
    shipped_at: delivery.shippedMs ?? null,
    delivered_at: delivery.deliveredMs ?? null,
    completed_at: firstOf('completed'),
    cancelled_at: firstOf('cancelled'),
    returned_at: firstOf('returned'),
    refunded_at: firstOf('refunded'),
    charged_back_at: firstOf('chargedBack'),
    promised_at: delivery.promisedMs ?? null,
    authorised_minor: order.authorised,
    captured_minor: order.captured,
    refunded_minor: order.refunded,
    charged_back_minor: order.chargedBack,
    failed_payments: failedPayments,
    parcels: delivery.parcels,
    delivered_parcels: delivery.delivered,
    failed_parcels: delivery.failed,
    cancel_reason: cancelReason?.[1] ?? '',
    updated_at: updatedMs,
  };
}

function waitColumns(wait: Wait | undefined, watermarkMs: number) {
  const isStuck = wait !== undefined && wait.dueMs <= watermarkMs;
  return {
    waiting_step: wait?.step ?? '',
    waiting_since: wait?.sinceMs ?? null,
    stuck_step: isStuck ? wait.step : '',
    stuck_since: isStuck ? wait.dueMs : null,
  };
}
