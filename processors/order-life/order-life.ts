/** The life of orders: what has happened to each, how far it is, what it waits for and whether it is stuck. */
import type { NodeContext, Push, TopologyBuilder } from '../runtime/dsl/index.ts';
import { orderStreams } from '../orders/orders.ts';
import { shopCalendar } from '../shop-calendar.ts';
import { orderRow } from './order-row.ts';
import { NO_ORDER, withEvent, type OrderEvent, type OrderState } from './order-state.ts';
import type { OrderLimits } from './order-status.ts';
import { OrderWaits } from './order-waits.ts';

/** As long as rows of table `order_life` live: an event after that would make a row that knows nothing else. */
const ORDER_TTL_MS = 400 * 86_400_000;

export interface OrderLifeOptions {
  readonly limits: OrderLimits;
  /** In which an order belongs to the day on which it was placed. */
  readonly timeZone: string;
}

/**
 * Table `order_life`: the row of an order with every commit in which something happened to it, and when it gets stuck.
 * Orders, payments and shipments may come in any order.
 */
export function orderLifeJob(app: TopologyBuilder, options: OrderLifeOptions): void {
  const { orders, payments, shipments } = orderStreams(app);
  orders
    .merge(payments)
    .merge(shipments)
    .process('order-life', (context) => orderLife(context, options));
}

function orderLife(context: NodeContext, { limits, timeZone }: OrderLifeOptions): Push<OrderEvent> {
  const dayOf = shopCalendar(timeZone);
  const orders = context.store<OrderState>('order-life', { ttlMs: ORDER_TTL_MS });
  /** Orders whose row has changed since the last commit; with one too many where a step is rolled back. */
  const changed = new Set<string>();
  const tell = (orderId: string, order: OrderState, watermarkMs: number) =>
    context.outputs.versionedRow('order_life', orderRow(orderId, order, { limits, dayOf, watermarkMs }));
  const waits = new OrderWaits(orders, { limits, ttlMs: ORDER_TTL_MS, onDue: tell });
  context.attach(waits);
  context.attach({
    beforeCommit: () => {
      for (const orderId of changed) {
        const order = orders.get(orderId);
        if (order !== undefined) tell(orderId, order, context.watermarkMs());
      }
      changed.clear();
    },
  });
  return (event) => {
    const { orderId } = event;
    const order = withEvent(orders.get(orderId) ?? NO_ORDER, event);
    orders.set(orderId, order);
    changed.add(orderId);
    waits.note(orderId, order, context.watermarkMs());
  };
}
