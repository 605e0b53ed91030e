/** Drives the job of the life of orders; for its tests. */
import type { OrdersEvent, PaymentsEvent, ShipmentsEvent } from '../../schemas/generated/events.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { scanOf, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { topology } from '../runtime/dsl/index.ts';
import { driveTopology, type TopologyDriver } from '../runtime/testing/topology-driver.ts';
import { orderLifeJob } from './order-life.ts';
import type { OrderEvent } from './order-state.ts';

const { orders: ORDERS, payments: PAYMENTS, shipments: SHIPMENTS } = SHOP_TOPICS;
export const HOUR_MS = 3_600_000;
/** Later than everything that happens; no clock moves time on before a test says so. */
export const NOW = T0 + 5000 * HOUR_MS;
export const LIMITS = {
  paymentMs: 10 * HOUR_MS,
  reviewMs: 20 * HOUR_MS,
  captureMs: 30 * HOUR_MS,
  shipMs: 40 * HOUR_MS,
  deliveryMs: 50 * HOUR_MS,
  refundMs: 60 * HOUR_MS,
};

export const at = (hours: number) => T0 + hours * HOUR_MS;
export const eur = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });

export async function drive(partitions = 1): Promise<TopologyDriver> {
  const app = topology('test');
  orderLifeJob(app, { limits: LIMITS, timeZone: 'Europe/Berlin' });
  return driveTopology(app.build(), { startMs: NOW, partitions });
}

export const byOrder = ({ orderId }: { readonly orderId: string }) => orderId;
const isOrder = (event: OrderEvent): event is OrdersEvent => event.type.startsWith('Order');
const isPayment = (event: OrderEvent): event is PaymentsEvent => event.type.startsWith('Payment');
export const isShipment = (event: OrderEvent): event is ShipmentsEvent => event.type.startsWith('Shipment');

/** Each by itself, so that one arrives after the other. */
export async function tell(driver: TopologyDriver, events: readonly OrderEvent[]): Promise<void> {
  for (const event of events) {
    if (isOrder(event)) await driver.events(ORDERS.name, [event], byOrder);
    else if (isPayment(event)) await driver.events(PAYMENTS.name, [event], byOrder);
    else if (isShipment(event)) await driver.events(SHIPMENTS.name, [event], byOrder);
  }
}

/** Events of another order, so that all of a partition's inputs have come to a time. */
export const until = (hours: number): readonly OrderEvent[] => [
  shopEvent('OrderHeld', { orderId: 'clock', eventTime: at(hours) }),
  shopEvent('PaymentFailed', { orderId: 'clock', eventTime: at(hours) }),
  scanOf('clock', at(hours), { orderId: 'clock' }),
];

export const rowOf = (driver: TopologyDriver, orderId = 'order-1') =>
  driver
    .rows('order_life')
    .filter((row) => row['order_id'] === orderId)
    .reduce((best, row) => (Number(row['version']) > Number(best['version'] ?? -1) ? row : best), {});
