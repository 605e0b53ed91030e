import { expect, test } from 'vitest';
import type { CardPayment } from '../../schemas/generated/events.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { isRecord } from '../../schemas/wire-format.ts';
import { shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf, type TaskDriver } from '../runtime/testing/task-driver.ts';
import { cardJob } from './card-velocity.ts';

const INPUT = INTERNAL_TOPICS.cardPayments.name;
const WINDOW_MS = 300_000;
const drive = () =>
  driveTask(
    subtopologyOf('card', (app) => cardJob(app, { count: 5, windowMs: WINDOW_MS })),
    { nowMs: T0 + 3_600_000 },
  );

const pay = (number: number, seconds: number, fields: Partial<CardPayment> = {}) =>
  shopEvent('CardPayment', { paymentId: `payment-${number}`, eventTime: T0 + seconds * 1000, ...fields });
const pays = (from: number, count: number, fromSecond: number, fields: Partial<CardPayment> = {}) =>
  Array.from({ length: count }, (_, n) => pay(from + n, fromSecond + n * 10, fields));

async function alerts(driver: TaskDriver) {
  await driver.commit();
  return driver.events(SHOP_TOPICS.alerts.name).filter((event) => isRecord(event, 'AlertRaised'));
}

test('a burst alerts exactly at the count, with its payments as evidence', async () => {
  const driver = await drive();
  driver.feed(INPUT, pays(1, 4, 0));
  expect(await alerts(driver)).toEqual([]);
  driver.feed(INPUT, [pay(5, 40)]);
  expect(await alerts(driver)).toMatchObject([
    {
      kind: 'card-velocity-burst',
      severity: 'warning',
      entityType: 'card',
      entityId: 'card-1',
      firstEventTime: T0,
      lastEventTime: T0 + 40_000,
      summary: '5 payments with one card within 40 s, 0 refused',
      evidence: ['payment-1', 'payment-2', 'payment-3', 'payment-4', 'payment-5'],
    },
  ]);
});

test('a burst that goes on is one alert; after a quiet window the next is another', async () => {
  const driver = await drive();
  driver.feed(INPUT, pays(1, 60, 0));
  expect(await alerts(driver)).toHaveLength(1);
  driver.feed(INPUT, pays(100, 5, 59 * 10 + 300 + 1));
  expect(await alerts(driver)).toHaveLength(2);
});

test('authorised and captured is one attempt', async () => {
  const driver = await drive();
  const twice = pays(1, 4, 0).flatMap((payment) => [
    payment,
    shopEvent('CardPayment', { ...payment, eventTime: payment.eventTime + 1000 }),
  ]);
  driver.feed(INPUT, twice);
  expect(await alerts(driver)).toEqual([]);
});

test('spread payments, and payments with other cards, raise nothing', async () => {
  const driver = await drive();
  driver.feed(
    INPUT,
    Array.from({ length: 20 }, (_, n) => pay(n, n * 75)),
  );
  driver.feed(
    INPUT,
    Array.from({ length: 20 }, (_, n) => pay(100 + n, n, { cardFingerprint: `card-${n}` })),
  );
  expect(await alerts(driver)).toEqual([]);
});

test('counts by event time: a burst that arrives late and shuffled is found, old ones do not fill a new window', async () => {
  const driver = await drive();
  driver.feed(INPUT, [pay(9, 1000), ...[3, 1, 4, 2].map((n) => pay(n, n * 10))]);
  expect(await alerts(driver)).toEqual([]);
  driver.feed(
    INPUT,
    [1010, 1040, 1030, 1020].map((seconds, n) => pay(20 + n, seconds)),
  );
  const [alert] = await alerts(driver);
  expect(alert).toMatchObject({
    firstEventTime: T0 + 1_000_000,
    evidence: expect.arrayContaining(['payment-9']) as unknown,
  });
});

test('is critical when half of the payments were refused', async () => {
  const driver = await drive();
  driver.feed(INPUT, [...pays(1, 2, 0), ...pays(3, 3, 20, { failed: true })]);
  expect(await alerts(driver)).toMatchObject([
    { severity: 'critical', summary: '5 payments with one card within 40 s, 3 refused' },
  ]);
});

test('the same finding has the same id, and a restart raises it no second time', async () => {
  const first = await drive();
  first.feed(INPUT, pays(1, 5, 0));
  const second = await drive();
  second.feed(INPUT, pays(1, 2, 0));
  await second.commit();
  const again = await second.restart();
  again.feed(INPUT, pays(3, 3, 20));
  const [a] = await alerts(first);
  const [b] = await alerts(again);
  expect(b?.alertId).toBe(a?.alertId);
  expect(a?.alertId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const later = await again.restart();
  later.feed(INPUT, [pay(6, 60)]);
  expect(await alerts(later)).toHaveLength(1);
});
