import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderOf, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { at, byOrder, drive, HOUR_MS, rowOf, tell, until } from './order-life-harness.contract.ts';
import { expectedRow, Told } from './order-life-oracle.contract.ts';
import type { OrderEvent } from './order-state.ts';

/** Everything that can be said of an order, an hour apart at least now and then. */
const anyEvent = fc
  .record({
    kind: fc.integer({ min: 0, max: 14 }),
    hours: fc.integer({ min: 0, max: 200 }),
    amountMinor: fc.constantFrom(100, 200, 900),
    currency: fc.constantFrom('EUR', 'JPY'),
    parcel: fc.constantFrom('a', 'b'),
    order: fc.constantFrom('order-1', 'order-2', 'order-3'),
  })
  .map(({ kind, hours, amountMinor, currency, parcel, order }): OrderEvent => {
    const when = { orderId: order, eventTime: at(hours) };
    const amount = { amountMinor, currency };
    const makers: readonly (() => OrderEvent)[] = [
      () => orderOf(order, at(hours), { total: amount, channel: hours % 2 === 0 ? 'web' : 'app' }),
      () => shopEvent('OrderHeld', when),
      () => shopEvent('OrderConfirmed', when),
      () => shopEvent('OrderCancelled', { ...when, reason: `reason ${amountMinor}` }),
      () => shopEvent('OrderCompleted', when),
      () => shopEvent('OrderReturned', { ...when, refund: amount }),
      () => shopEvent('PaymentAuthorised', { ...when, amount }),
      () => shopEvent('PaymentCaptured', { ...when, amount }),
      () => shopEvent('PaymentFailed', { ...when, amount }),
      () => shopEvent('PaymentRefunded', { ...when, amount }),
      () => shopEvent('PaymentChargedBack', { ...when, amount }),
      () =>
        shopEvent('ShipmentCreated', {
          ...when,
          shipmentId: parcel,
          promisedTime: amountMinor === 900 ? null : at(hours + 5),
        }),
      () => shopEvent('ShipmentScanned', { ...when, shipmentId: parcel }),
      () => shopEvent('ShipmentDelivered', { ...when, shipmentId: parcel }),
      () => shopEvent('ShipmentFailed', { ...when, shipmentId: parcel }),
    ];
    return (makers[kind] as () => OrderEvent)();
  });

test('the row follows from what has happened and how far time is: in any order of arrival, through crashes', async () => {
  const life = fc.array(anyEvent, { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(life, fc.integer({ min: 0, max: 300 }), async (events, endHours) => {
      const driver = await drive(2);
      for (const [n, each] of events.entries()) {
        await tell(driver, [each]);
        if (n % 9 === 5) await driver.restart();
      }
      // A clock order for each partition.
      const end = Math.max(endHours, ...events.map((e) => (e.eventTime - T0) / HOUR_MS));
      for (const orderId of ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'])
        await tell(
          driver,
          until(end).map((e) => ({ ...e, orderId })),
        );
      for (const orderId of new Set(events.map(byOrder))) {
        const all = events.filter((e) => e.orderId === orderId);
        expect(rowOf(driver, orderId)).toMatchObject(expectedRow(new Told(all), at(end)));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
