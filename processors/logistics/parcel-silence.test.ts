import { expect, test } from 'vitest';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { isRecord } from '../../schemas/wire-format.ts';
import { scanOf, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf, type TaskDriver } from '../runtime/testing/task-driver.ts';
import { ordersJob } from '../orders/orders.ts';

const INPUT = SHOP_TOPICS.shipments.name;
const HOUR_MS = 3_600_000;
const SILENCE_MS = 24 * HOUR_MS;
/** After everything that happens in these tests: an event of the future would be refused. */
const NOW_MS = T0 + 200 * HOUR_MS;

const drive = async () => {
  const driver = await driveTask(
    subtopologyOf('orders', (app) => ordersJob(app, { graceMs: 0, parcelSilenceMs: SILENCE_MS })),
    {
      nowMs: NOW_MS,
    },
  );
  // Orders and payments are silent in these tests, and known to be.
  driver.feed(SHOP_TOPICS.orders.name, []);
  driver.feed(SHOP_TOPICS.payments.name, []);
  driver.setNow(NOW_MS + 5000);
  return driver;
};

const scan = (parcel: string, hours: number) => scanOf(parcel, T0 + hours * HOUR_MS);
const created = (parcel: string, hours: number) =>
  shopEvent('ShipmentCreated', { shipmentId: parcel, eventTime: T0 + hours * HOUR_MS });
const delivered = (parcel: string, hours: number) =>
  shopEvent('ShipmentDelivered', { shipmentId: parcel, eventTime: T0 + hours * HOUR_MS });

async function alerts(driver: TaskDriver) {
  await driver.commit();
  const all = driver.events(SHOP_TOPICS.alerts.name).filter((event) => isRecord(event, 'AlertRaised'));
  return all.map(({ entityId, firstEventTime, lastEventTime }) => [
    entityId,
    (firstEventTime - T0) / HOUR_MS,
    (lastEventTime - T0) / HOUR_MS,
  ]);
}

test('a parcel without a scan is reported when the watermark passes its deadline, once', async () => {
  const driver = await drive();
  driver.feed(INPUT, [created('p', 0), scan('other', 24 - 0.001)]);
  expect(await alerts(driver)).toEqual([]);
  driver.feed(INPUT, [scan('other', 24)]);
  expect(await alerts(driver)).toEqual([['p', 0, 24]]);
  driver.feed(INPUT, [scan('other', 40), scan('other', 60)]);
  expect(await alerts(driver)).toEqual([['p', 0, 24]]);
  const [alert] = driver.events(SHOP_TOPICS.alerts.name);
  expect(alert).toMatchObject({
    kind: 'parcel-silent',
    severity: 'warning',
    entityType: 'parcel',
    summary: 'no scan by DHL for 86400 s',
  });
});

test('each scan moves the deadline; an older one that comes late does not move it back', async () => {
  const driver = await drive();
  driver.feed(INPUT, [created('p', 0), scan('p', 20), scan('p', 3), scan('other', 43.9)]);
  expect(await alerts(driver)).toEqual([]);
  driver.feed(INPUT, [scan('other', 44)]);
  expect(await alerts(driver)).toEqual([['p', 20, 44]]);
});

test('a delivery ends it, also one that arrives before the scans that led to it', async () => {
  const driver = await drive();
  driver.feed(INPUT, [created('p', 0), created('q', 0), delivered('p', 5), delivered('q', 6), scan('q', 4)]);
  driver.feed(INPUT, [scan('other', 20), scan('other', 40), scan('p', 4), scan('other', 50)]);
  expect(await alerts(driver)).toEqual([]);
});

test('an exception ends the watch; a scan after it starts it again', async () => {
  const driver = await drive();
  const failed = shopEvent('ShipmentFailed', { shipmentId: 'p', eventTime: T0 + 2 * HOUR_MS });
  driver.feed(INPUT, [scan('p', 0), failed, scan('other', 40)]);
  expect(await alerts(driver)).toEqual([]);
  driver.feed(INPUT, [scan('p', 41), scan('other', 65)]);
  expect(await alerts(driver)).toContainEqual(['p', 41, 65]);
});

test('a reported parcel that is scanned again is watched again, but not because of an old scan', async () => {
  const driver = await drive();
  driver.feed(INPUT, [scan('p', 0), scan('other', 25), scan('p', -2)]);
  expect(await alerts(driver)).toHaveLength(1);
  driver.feed(INPUT, [scan('p', 26), scan('other', 49)]);
  expect(await alerts(driver)).toHaveLength(1);
  driver.feed(INPUT, [scan('other', 50)]);
  expect(await alerts(driver)).toEqual([
    ['p', 0, 24],
    ['p', 26, 50],
  ]);
});

test('is found when the carrier falls silent altogether, with the clock', async () => {
  const driver = await drive();
  driver.feed(INPUT, [scan('p', 0)]);
  driver.setNow(NOW_MS + 10_000);
  driver.setNow(NOW_MS + 10_000 + SILENCE_MS - 1);
  expect(await alerts(driver)).toEqual([]);
  driver.setNow(NOW_MS + 10_000 + SILENCE_MS);
  expect(await alerts(driver)).toEqual([['p', 0, 24]]);
});

test('survives a restart', async () => {
  const driver = await drive();
  driver.feed(INPUT, [scan('p', 0), scan('q', 1), delivered('q', 2)]);
  await driver.commit();
  const again = await driver.restart();
  again.feed(SHOP_TOPICS.orders.name, []);
  again.feed(SHOP_TOPICS.payments.name, []);
  again.setNow(NOW_MS + 60_000);
  again.feed(INPUT, [scan('other', 30)]);
  expect(await alerts(again)).toEqual([['p', 0, 24]]);
});

test('keeps nothing of parcels that are over', async () => {
  const driver = await drive();
  driver.feed(INPUT, [scan('silent', 0), delivered('done', 1)]);
  driver.feed(INPUT, [scan('other', 49), delivered('other', 49.5)]);
  const before = driver.task.state.size;
  driver.feed(INPUT, [delivered('last', 49.5)]);
  // One eventId, one parcel and its timer.
  expect(driver.task.state.size - before).toBe(3);
  driver.feed(INPUT, [delivered('much later', 100)]);
  // Seven eventIds, and the parcel of now with its timer.
  expect(driver.task.state.size).toBe(6 + 2);
});
