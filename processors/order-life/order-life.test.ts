import { describe, expect, test } from 'vitest';
import { captureOf, orderOf, scanOf, shopEvent } from '../../test/harness/shop-events.ts';
import { at, drive, eur, HOUR_MS, NOW, rowOf, tell, until } from './order-life-harness.contract.ts';
import { MAX_PARCELS, NO_ORDER, withEvent, type OrderEvent, type OrderState } from './order-state.ts';
import { deliveryOf } from './order-status.ts';

async function lifeOf(...events: readonly OrderEvent[]) {
  const driver = await drive();
  await tell(driver, events);
  return rowOf(driver);
}

const placed = (hours = 0) => orderOf('order-1', at(hours), { total: eur(900) });
const paid = (hours = 2, amountMinor = 900) => captureOf('p', at(hours), { amount: eur(amountMinor) });
const refund = (hours: number, amountMinor: number) =>
  shopEvent('PaymentRefunded', { amount: eur(amountMinor), eventTime: at(hours) });
const event = (
  type: 'OrderHeld' | 'OrderConfirmed' | 'OrderCompleted' | 'OrderCancelled' | 'PaymentAuthorised',
  hours: number,
) => shopEvent(type, { eventTime: at(hours) });
const delivered = (shipmentId: string, hours: number) =>
  shopEvent('ShipmentDelivered', { shipmentId, eventTime: at(hours) });

test('the row of an order that went well has every time, amount and parcel', async () => {
  const row = await lifeOf(
    placed(),
    event('PaymentAuthorised', 1),
    event('OrderConfirmed', 1.5),
    paid(2),
    shopEvent('ShipmentCreated', { shipmentId: 'a', eventTime: at(3), promisedTime: at(9) }),
    scanOf('a', at(4)),
    scanOf('b', at(5)),
    delivered('a', 8),
    delivered('b', 10),
    event('OrderCompleted', 11),
  );
  expect(row).toEqual({
    order_id: 'order-1',
    placed_at: at(0),
    day: '2026-01-01',
    buyer_id: 'user-1',
    seller_id: 'seller-1',
    channel: 'web',
    mode: 'b2c',
    currency: 'EUR',
    ordered_minor: 900,
    status: 'completed',
    waiting_step: '',
    waiting_since: null,
    stuck_step: '',
    stuck_since: null,
    held_at: null,
    confirmed_at: at(1.5),
    authorised_at: at(1),
    captured_at: at(2),
    announced_at: at(3),
    shipped_at: at(4),
    delivered_at: at(10),
    completed_at: at(11),
    cancelled_at: null,
    returned_at: null,
    refunded_at: null,
    charged_back_at: null,
    promised_at: at(9),
    authorised_minor: { EUR: 1000 },
    captured_minor: { EUR: 900 },
    refunded_minor: {},
    charged_back_minor: {},
    failed_payments: 0,
    parcels: 2,
    delivered_parcels: 2,
    failed_parcels: 0,
    cancel_reason: '',
    updated_at: at(11),
    partition: 0,
    emitted_at: NOW,
    version: expect.any(Number) as number,
  });
});

describe('the status', () => {
  const cases: readonly [string, readonly OrderEvent[]][] = [
    ['unknown', [shopEvent('PaymentFailed')]],
    ['placed', [placed(), shopEvent('PaymentFailed')]],
    ['confirmed', [placed(), event('OrderConfirmed', 1)]],
    ['authorised', [placed(), event('PaymentAuthorised', 1), event('OrderConfirmed', 2)]],
    ['held', [placed(), event('PaymentAuthorised', 1), event('OrderHeld', 2)]],
    [
      'authorised',
      [placed(), event('PaymentAuthorised', 1), event('OrderHeld', 2), event('OrderConfirmed', 2)],
    ],
    ['held', [placed(), event('OrderHeld', 1), event('OrderConfirmed', 2), event('OrderHeld', 3)]],
    ['captured', [placed(), event('OrderHeld', 1), paid(2)]],
    ['captured', [paid(2)]],
    ['captured', [placed(), paid(2), shopEvent('ShipmentCreated', { eventTime: at(3) })]],
    ['shipped', [placed(), paid(2), scanOf('a', at(3)), scanOf('b', at(3)), delivered('a', 4)]],
    ['delivered', [placed(), paid(2), delivered('a', 4)]],
    ['cancelled', [placed(), paid(2), event('OrderCancelled', 3), refund(4, 899)]],
    ['refunded', [placed(), paid(2), event('OrderCancelled', 3), refund(4, 899), refund(5, 1)]],
    ['returned', [placed(), paid(2), delivered('a', 4), shopEvent('OrderReturned', { eventTime: at(9) })]],
    ['completed', [placed(), paid(2), event('OrderCompleted', 9), refund(10, 100)]],
    ['charged_back', [placed(), paid(2), event('OrderCompleted', 9), shopEvent('PaymentChargedBack')]],
  ];
  test.each(
    cases.map(([status, events]) => ({ status, events, when: events.map(({ type }) => type).join(' ') })),
  )('is $status after $when', async ({ status, events }) => {
    expect(await lifeOf(...events)).toMatchObject({ status });
    expect(await lifeOf(...[...events].reverse())).toMatchObject({ status });
  });
});

test('amounts stay apart by currency and kind, and are whole minor units', async () => {
  const large = 2 ** 51 - 1;
  const row = await lifeOf(
    placed(),
    paid(1, large),
    paid(2, large),
    captureOf('q', at(3), { amount: { amountMinor: 70, currency: 'JPY' } }),
    refund(4, 5),
  );
  expect(row).toMatchObject({
    captured_minor: { EUR: 2 * large, JPY: 70 },
    refunded_minor: { EUR: 5 },
    authorised_minor: {},
    status: 'captured',
  });
});

test('an order is placed once: of two that say so the earlier counts', async () => {
  const other = orderOf('order-1', at(1), { total: eur(1) });
  expect(await lifeOf(other, placed())).toMatchObject({ placed_at: at(0), ordered_minor: 900 });
});

test('a capture of nothing is no refund', async () => {
  const row = await lifeOf(orderOf('order-1', at(0), { total: eur(0) }), paid(1, 0));
  expect(row).toMatchObject({ status: 'captured', waiting_step: 'ship' });
});

test('parcels have any name, and so many are known of an order', () => {
  const created = (shipmentId: string) => shopEvent('ShipmentCreated', { shipmentId, eventTime: at(1) });
  const names = ['__proto__', 'constructor', ...Array.from({ length: MAX_PARCELS }, (_, n) => `p${n}`)];
  const order = names.map(created).reduce<OrderState>(withEvent, NO_ORDER);
  const restored = JSON.parse(JSON.stringify(withEvent(order, delivered('__proto__', 2)))) as OrderState;
  expect(deliveryOf(restored)).toMatchObject({ parcels: MAX_PARCELS, delivered: 1, deliveredMs: undefined });
});

describe('an order that waits too long', () => {
  const cases: readonly [string, number, number, readonly OrderEvent[]][] = [
    ['payment', 0, 10, [placed()]],
    ['review', 3, 23, [placed(), event('OrderHeld', 1), event('OrderHeld', 3)]],
    ['capture', 1, 31, [placed(), event('PaymentAuthorised', 1)]],
    ['ship', 2, 42, [placed(), paid(2), shopEvent('ShipmentCreated', { eventTime: at(3) })]],
    ['delivery', 3, 53, [placed(), paid(2), scanOf('a', at(3))]],
    [
      'delivery',
      3,
      20,
      [
        shopEvent('ShipmentCreated', { shipmentId: 'a', eventTime: at(2), promisedTime: at(20) }),
        scanOf('a', at(3)),
      ],
    ],
    ['refund', 4, 64, [placed(), paid(2), event('OrderCancelled', 4)]],
    ['refund', 5, 65, [placed(), paid(5), event('OrderCancelled', 4), refund(6, 1)]],
    [
      'refund',
      9,
      69,
      [
        placed(),
        paid(2),
        delivered('a', 4),
        shopEvent('OrderReturned', { eventTime: at(9), refund: eur(300) }),
      ],
    ],
  ];
  test.each(cases.map(([step, sinceHours, dueHours, events]) => ({ step, sinceHours, dueHours, events })))(
    'for $step is stuck from the limit on, and not before',
    async ({ step, sinceHours, dueHours, events }) => {
      const driver = await drive();
      await tell(driver, events);
      await tell(driver, until(dueHours - 0.001));
      const waits = { waiting_step: step, waiting_since: at(sinceHours) };
      expect(rowOf(driver)).toMatchObject({ ...waits, stuck_step: '', stuck_since: null });
      await tell(driver, until(dueHours));
      expect(rowOf(driver)).toMatchObject({ ...waits, stuck_step: step, stuck_since: at(dueHours) });
    },
  );

  test('is marked when nothing happens at all any more, with the clock, also after a restart', async () => {
    const driver = await drive();
    await tell(driver, [placed(), ...until(0)]);
    await driver.restart();
    await driver.advanceClock(9 * HOUR_MS);
    expect(rowOf(driver)).toMatchObject({ stuck_step: '' });
    await driver.advanceClock(2 * HOUR_MS);
    expect(rowOf(driver)).toMatchObject({ stuck_step: 'payment', stuck_since: at(10) });
  });

  test('is waited for in the time that it was moved to', async () => {
    const driver = await drive();
    await tell(driver, [placed(), paid(2), scanOf('a', at(3)), ...until(4)]);
    const promise = (hours: number) =>
      shopEvent('ShipmentCreated', { shipmentId: 'a', eventTime: at(4), promisedTime: at(hours) });
    await tell(driver, [promise(20), ...until(5)]);
    await tell(driver, [promise(30), ...until(21)]);
    expect(rowOf(driver)).toMatchObject({ stuck_step: '' });
    await driver.restart();
    await tell(driver, until(30));
    expect(rowOf(driver)).toMatchObject({ stuck_step: 'delivery', stuck_since: at(30) });
  });

  test('is waited for no longer than it is remembered', async () => {
    const driver = await drive();
    const promisedTime = Date.parse('9999-12-31');
    const created = shopEvent('ShipmentCreated', { shipmentId: 'a', eventTime: at(1), promisedTime });
    await tell(driver, [placed(), created, scanOf('a', at(3)), ...until(4)]);
    expect(rowOf(driver)).toMatchObject({
      waiting_step: 'delivery',
      stuck_step: '',
      promised_at: promisedTime,
    });
    await driver.advanceClock(401 * 24 * HOUR_MS);
    expect(driver.task('orders').state.isPending()).toBe(false);
  });

  test('is no longer stuck once it goes on', async () => {
    const driver = await drive();
    await tell(driver, [placed(), ...until(11)]);
    expect(rowOf(driver)).toMatchObject({ stuck_step: 'payment' });
    await tell(driver, [paid(12)]);
    expect(rowOf(driver)).toMatchObject({ stuck_step: '', waiting_step: 'ship' });
  });

  test.each([
    [
      'refunded as was said for the goods',
      [shopEvent('OrderReturned', { refund: eur(300), eventTime: at(9) }), refund(9, 300)],
    ],
    ['cancelled before anything was paid', [event('OrderCancelled', 9)]],
    ['charged back', [shopEvent('PaymentChargedBack', { eventTime: at(9) })]],
    ['completed', [event('OrderCompleted', 9)]],
  ] as const)('waits for nothing once it is %s', async (what, events) => {
    const isPaid = what !== 'cancelled before anything was paid';
    expect(await lifeOf(placed(), ...(isPaid ? [paid()] : []), ...events)).toMatchObject({
      waiting_step: '',
    });
  });
});

test('an order is remembered for as long as its row, and forgotten then', async () => {
  const driver = await drive();
  await tell(driver, [placed(), paid(1), event('OrderCompleted', 2)]);
  const before = driver.task('orders').state.size;
  await driver.advanceClock(401 * 24 * HOUR_MS);
  expect(driver.task('orders').state.size).toBeLessThan(before);
});
