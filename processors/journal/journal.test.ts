import { expect, test } from 'vitest';
import { ALERT_CHANNEL, recentAlertsKey, type AlertNotice, type RecentAlerts } from '../../schemas/keys.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { eventId, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf, type TaskDriver } from '../runtime/testing/task-driver.ts';
import { journalJob } from './journal.ts';

const { served: SERVED, riskDecisions: RISK, alerts: ALERTS } = SHOP_TOPICS;
const drive = () => driveTask(subtopologyOf('journal', journalJob), { nowMs: T0 });
const alert = (number: number) =>
  shopEvent('AlertRaised', {
    eventId: eventId(50_000 + number),
    alertId: eventId(50_000 + number),
    entityId: `card-${number}`,
  });

function recent(driver: TaskDriver): readonly AlertNotice[] {
  const value = driver.online().get(recentAlertsKey(0));
  return (JSON.parse(value ?? '{"alerts":[]}') as RecentAlerts).alerts;
}

test('answers, decisions and alerts become facts', async () => {
  const driver = await drive();
  driver.feed(SERVED.name, [shopEvent('RecommendationsServed', { experiment: 'b', latencyMicros: -1 })]);
  driver.feed(RISK.name, [shopEvent('RiskDecided', { outcome: 'deny', score: 0.9 })]);
  driver.feed(ALERTS.name, [alert(1)]);
  driver.feed(ALERTS.name, [shopEvent('PageViewed')]);
  const rows = await driver.commit();
  expect(rows.get('served')).toMatchObject([
    {
      _topic: SERVED.name,
      recommendation_id: 'rec-1',
      item_ids: ['item-1'],
      reasons: ['trending'],
      propensities: [1],
      user_id: '',
      experiment: 'b',
      latency_micros: 0,
    },
  ]);
  expect(rows.get('risk_decisions')).toMatchObject([
    { entity_id: 'order-1', outcome: 'deny', score: 0.9, reasons: ['low'] },
  ]);
  expect(rows.get('alerts')).toMatchObject([
    {
      alert_id: eventId(50_001),
      entity_type: 'card',
      kind: 'card-velocity-burst',
      first_event_time: T0,
      evidence: ['payment-1'],
    },
  ]);
  expect(driver.task.counters).toMatchObject({ ok: 3, dropped: 1 });
});

test('the newest hundred alerts are kept for readers, the newest first, also over a restart', async () => {
  const driver = await drive();
  driver.feed(
    ALERTS.name,
    Array.from({ length: 99 }, (_, n) => alert(n)),
  );
  expect(recent(driver)).toHaveLength(99);
  await driver.commit();
  const again = await driver.restart();
  again.feed(ALERTS.name, [alert(99), alert(100)]);
  const alerts = recent(again);
  expect(alerts).toHaveLength(100);
  expect([alerts[0]?.entityId, alerts.at(-1)?.entityId]).toEqual(['card-100', 'card-1']);
});

test('each alert is announced once, however often it comes', async () => {
  const driver = await drive();
  driver.feed(ALERTS.name, [alert(7), alert(7)]);
  const { notices } = driver.task.takeOnline();
  expect(
    notices.map(({ channel, message }) => [channel, (JSON.parse(message) as AlertNotice).alertId]),
  ).toEqual([[ALERT_CHANNEL, eventId(50_007)]]);
});
