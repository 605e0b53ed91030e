import { describe, expect, test } from 'vitest';
import type { OrdersEvent, PaymentsEvent, ShipmentsEvent } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { captureOf, orderOf, scanOf, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf } from '../runtime/testing/task-driver.ts';
import { ordersJob } from './orders.ts';

const { orders: ORDERS, payments: PAYMENTS, shipments: SHIPMENTS } = SHOP_TOPICS;
const drive = () =>
  driveTask(
    subtopologyOf('orders', (app) => ordersJob(app, { graceMs: 30_000, parcelSilenceMs: 86_400_000 })),
    { nowMs: T0 },
  );

const eur = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });

const ENVELOPE = {
  _partition: 0,
  _offset: 0,
  _ordinal: 0,
  event_time: T0,
  ingest_time: T0,
  source: 'test',
  order_id: 'order-1',
};
const NO_ORDER_DETAILS: readonly OrdersEvent[] = [shopEvent('OrderConfirmed'), shopEvent('OrderCompleted')];

async function factOf(
  event: OrdersEvent | PaymentsEvent | ShipmentsEvent,
  place: { topic: string; table: string },
) {
  const driver = await drive();
  driver.feed(place.topic, [event]);
  const [row] = (await driver.commit()).get(place.table) ?? [];
  expect(row).toMatchObject({
    ...ENVELOPE,
    _topic: place.topic,
    event_id: event.eventId,
    event_type: event.type,
  });
  return row;
}

describe('facts', () => {
  const orderFact = (event: OrdersEvent) => factOf(event, { topic: ORDERS.name, table: 'orders' });
  const paymentFact = (event: PaymentsEvent) => factOf(event, { topic: PAYMENTS.name, table: 'payments' });
  const scanFact = (event: ShipmentsEvent) => factOf(event, { topic: SHIPMENTS.name, table: 'scans' });

  test('of orders', async () => {
    expect(await orderFact(shopEvent('OrderPlaced', { anonymousId: null }))).toMatchObject({
      anonymous_id: '',
      buyer_id: 'user-1',
      mode: 'b2c',
      item_ids: ['item-1'],
      quantities: [1],
      amount_minor: 1000,
      currency: 'EUR',
    });
    expect(await orderFact(shopEvent('OrderHeld'))).toMatchObject({ reason: 'review' });
    expect(await orderFact(shopEvent('OrderCancelled'))).toMatchObject({ reason: 'customer' });
    expect(await orderFact(shopEvent('OrderReturned'))).toMatchObject({
      item_ids: ['item-1'],
      amount_minor: 1000,
    });
    for (const event of NO_ORDER_DETAILS) await orderFact(event);
  });

  test('of payments', async () => {
    expect(await paymentFact(shopEvent('PaymentCaptured', { installments: 3 }))).toMatchObject({
      payment_id: 'payment-1',
      amount_minor: 1000,
      currency: 'EUR',
      card_fingerprint: 'card-1',
      installments: 3,
      reporting_currency: '',
      fx_rate: 0,
      reason: '',
    });
    expect(
      await paymentFact(
        shopEvent('PaymentAuthorised', {
          cardFingerprint: null,
          fx: { reportingCurrency: 'USD', rate: 1.1 },
        }),
      ),
    ).toMatchObject({ card_fingerprint: '', installments: 0, reporting_currency: 'USD', fx_rate: 1.1 });
    expect(await paymentFact(shopEvent('PaymentFailed'))).toMatchObject({ reason: 'insufficient funds' });
    expect(await paymentFact(shopEvent('PaymentRefunded'))).toMatchObject({ reason: 'returned' });
    expect(await paymentFact(shopEvent('PaymentChargedBack'))).toMatchObject({ reason: 'fraud' });
  });

  test('of parcels', async () => {
    expect(await scanFact(shopEvent('ShipmentCreated'))).toMatchObject({
      service: 'express',
      promised_time: null,
    });
    expect(await scanFact(scanOf('parcel-1', T0, { latitude: 51.3 }))).toMatchObject({
      shipment_id: 'parcel-1',
      status: 'inTransit',
      latitude: 51.3,
      longitude: null,
    });
    expect(await scanFact(shopEvent('ShipmentDelivered'))).toMatchObject({ place: 'Berlin' });
    expect(await scanFact(shopEvent('ShipmentFailed'))).toMatchObject({ reason: 'damaged', place: '' });
  });
});

test('sales by minute and currency: gross, captured and refunded apart', async () => {
  const driver = await drive();
  driver.feed(ORDERS.name, [
    orderOf('o1', T0, { total: eur(500) }),
    orderOf('o2', T0 + 1, { total: eur(250) }),
    orderOf('o3', T0, { total: { amountMinor: 900, currency: 'JPY' } }),
    orderOf('o4', T0 + 60_000, { total: eur(1) }),
    shopEvent('OrderCancelled'),
  ]);
  driver.feed(PAYMENTS.name, [
    captureOf('p1', T0, { amount: eur(500) }),
    shopEvent('PaymentAuthorised', { amount: eur(7777) }),
    shopEvent('PaymentFailed', { amount: eur(8888) }),
    shopEvent('PaymentRefunded', { amount: eur(120) }),
    shopEvent('PaymentChargedBack', { amount: eur(9999) }),
  ]);
  const sums = (rows: readonly Readonly<Record<string, unknown>>[]) =>
    rows.map((row) => [
      row['currency'],
      (Number(row['window_start']) - T0) / 60_000,
      row['orders'],
      row['ordered_minor'],
    ]);
  const rows = (await driver.commit()).get('sales_minute') ?? [];
  expect(sums(rows)).toEqual([
    ['EUR', 0, 2, 750],
    ['JPY', 0, 1, 900],
    ['EUR', 1, 1, 1],
  ]);
  expect(rows[0]).toMatchObject({
    captured_payments: 1,
    captured_minor: 500,
    failed_payments: 1,
    refunded_minor: 120,
    reason: 'update',
  });
});

test('a purchase is told to user, device and items', async () => {
  const driver = await drive();
  const lines = [
    { itemId: 'a', quantity: 2, unitPrice: eur(100) },
    { itemId: 'b', quantity: 1, unitPrice: eur(300) },
  ];
  driver.feed(ORDERS.name, [
    orderOf('o1', T0 + 9, { lines }),
    orderOf('o2', T0 + 9, { lines: lines.slice(1), anonymousId: null }),
  ]);
  await driver.commit();
  expect(driver.events(INTERNAL_TOPICS.userActivity.name)).toMatchObject(
    ['a', 'b', 'b'].map((itemId) => ({ userId: 'user-1', itemId, action: 'bought', eventTime: T0 + 9 })),
  );
  expect(driver.events(INTERNAL_TOPICS.visitorPurchases.name)).toMatchObject([
    { anonymousId: 'device-1', itemId: 'a' },
    { anonymousId: 'device-1', itemId: 'b' },
  ]);
  expect(driver.kafka.recordsOf(INTERNAL_TOPICS.visitorPurchases.name).map(({ key }) => String(key))).toEqual(
    ['device-1', 'device-1'],
  );
  expect(driver.events(INTERNAL_TOPICS.itemActivity.name)).toMatchObject([
    { itemId: 'a', purchases: 2, views: 0 },
    { itemId: 'b', purchases: 2 },
  ]);
});

test('attempts to pay by card go to the card; refunds, charge-backs and other methods do not', async () => {
  const driver = await drive();
  driver.feed(PAYMENTS.name, [
    shopEvent('PaymentAuthorised', { paymentId: 'p1' }),
    shopEvent('PaymentFailed', { paymentId: 'p2' }),
    captureOf('p3', T0),
    captureOf('p4', T0, { cardFingerprint: null, method: 'alipay' }),
    shopEvent('PaymentRefunded'),
    shopEvent('PaymentChargedBack'),
  ]);
  await driver.commit();
  expect(driver.events(INTERNAL_TOPICS.cardPayments.name)).toMatchObject([
    { paymentId: 'p1', failed: false, cardFingerprint: 'card-1' },
    { paymentId: 'p2', failed: true },
    { paymentId: 'p3', failed: false },
  ]);
});

test('what does not belong to orders is dropped', async () => {
  const driver = await drive();
  driver.feed(ORDERS.name, [shopEvent('PageViewed')]);
  expect(driver.task.counters).toMatchObject({ ok: 0, dropped: 1 });
});
