import { describe, expect, test } from 'vitest';
import type { ClickstreamEvent, MillraceEvent } from '../../schemas/generated/events.ts';
import { historyKey, type VisitorHistory } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { cartOf, shopEvent, T0, viewOf } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf, type TaskDriver } from '../runtime/testing/task-driver.ts';
import { visitorJob } from './visitor.ts';

const CLICKS = SHOP_TOPICS.clickstream.name;
const LINKS = SHOP_TOPICS.identityLinks.name;
const PURCHASES = INTERNAL_TOPICS.visitorPurchases.name;
const DEVICE = historyKey({ kind: 'a', id: 'device-1' });

const drive = () =>
  driveTask(
    subtopologyOf('visitor', (app) => visitorJob(app, { graceMs: 30_000 })),
    { nowMs: T0 },
  );

function historyOf(driver: TaskDriver): VisitorHistory | undefined {
  const value = driver.online().get(DEVICE);
  return value === null || value === undefined ? undefined : (JSON.parse(value) as VisitorHistory);
}

const told = (driver: TaskDriver) =>
  driver
    .events(INTERNAL_TOPICS.userActivity.name)
    .flatMap((event) => (event.type === 'UserActed' ? [[event.userId, event.itemId, event.action]] : []));

describe('facts', () => {
  const EXPECTED: readonly [ClickstreamEvent, Record<string, unknown>][] = [
    [shopEvent('PageViewed', { path: '/sale' }), { path: '/sale' }],
    [viewOf('i', T0, { recommendationId: 'r' }), { item_id: 'i', recommendation_id: 'r' }],
    [shopEvent('ListViewed', { listId: 'l', itemIds: ['a', 'b'] }), { list_id: 'l', item_ids: ['a', 'b'] }],
    [shopEvent('SearchPerformed', { query: 'red shoes' }), { query: 'red shoes' }],
    [cartOf('i', T0, { quantityDelta: -2 }), { item_id: 'i', quantity_delta: -2 }],
    [shopEvent('CheckoutStepped', { step: 'payment' }), { step: 'payment' }],
    [
      shopEvent('RecommendationImpressed', { itemIds: ['a'] }),
      { recommendation_id: 'rec-1', item_ids: ['a'] },
    ],
    [
      shopEvent('RecommendationClicked', { itemId: 'a', position: 3 }),
      { recommendation_id: 'rec-1', item_id: 'a', position: 3 },
    ],
  ];

  test.each(EXPECTED.map(([event, row]) => ({ event, row, type: event.type })))(
    '$type',
    async ({ event, row }) => {
      const driver = await drive();
      driver.feed(CLICKS, [event]);
      expect((await driver.commit()).get('clicks')).toEqual([
        {
          _topic: CLICKS,
          _partition: 0,
          _offset: 0,
          _ordinal: 0,
          event_id: event.eventId,
          event_type: event.type,
          event_time: T0,
          ingest_time: T0,
          source: 'test',
          anonymous_id: 'device-1',
          user_id: '',
          session_id: 's-1',
          device: 'mobile',
          referrer: '',
          channel: 'web',
          bot: false,
          internal: false,
          ...row,
        },
      ]);
    },
  );
});

test.each([{ bot: true }, { internal: true }])('%j is a fact, but neither demand nor taste', async (flag) => {
  const driver = await drive();
  driver.feed(CLICKS, [viewOf('a', T0, { ...flag, userId: 'user-1' }), cartOf('a', T0, flag)]);
  const rows = await driver.commit();
  expect(rows.get('clicks')).toMatchObject([flag, flag]);
  expect([...rows.keys()]).toEqual(['clicks']);
  expect(historyOf(driver)).toBeUndefined();
  expect(driver.events(INTERNAL_TOPICS.itemActivity.name)).toEqual([]);
  expect(told(driver)).toEqual([]);
});

test('metrics by minute: of the shop by channel, and of items', async () => {
  const driver = await drive();
  driver.feed(CLICKS, [
    shopEvent('PageViewed'),
    shopEvent('ListViewed'),
    viewOf('a', T0 + 1),
    viewOf('a', T0 + 59_999),
    viewOf('b', T0 + 60_000, { channel: 'app' }),
    shopEvent('SearchPerformed'),
    cartOf('a', T0),
    cartOf('a', T0, { quantityDelta: -1 }),
    shopEvent('CheckoutStepped', { step: 'started' }),
    shopEvent('CheckoutStepped', { step: 'submitted' }),
    shopEvent('RecommendationClicked'),
    shopEvent('RecommendationImpressed'),
  ]);
  const rows = await driver.commit();
  expect(rows.get('shop_minute')).toMatchObject([
    {
      window_start: T0,
      channel: 'web',
      page_views: 2,
      product_views: 2,
      searches: 1,
      cart_adds: 1,
      checkouts: 1,
      recommendation_clicks: 1,
      reason: 'update',
      partition: 0,
    },
    { window_start: T0 + 60_000, channel: 'app', product_views: 1, page_views: 0 },
  ]);
  expect(rows.get('item_minute')).toMatchObject([
    { window_start: T0, item_id: 'a', views: 2, cart_adds: 1 },
    { window_start: T0 + 60_000, item_id: 'b', views: 1, cart_adds: 0 },
  ]);
});

test('the history of a device holds views and purchases, with the time of acceptance for freshness', async () => {
  const driver = await drive();
  driver.feed(CLICKS, [viewOf('a', T0, { ingestTime: T0 + 7 }), viewOf('b', T0 + 1)]);
  driver.feed(PURCHASES, [shopEvent('VisitorPurchased', { itemId: 'c', eventTime: T0 + 2 })]);
  const [write] = driver.task.takeOnline().writes;
  expect(write).toMatchObject({ key: DEVICE, acceptedAtMs: T0 + 7 });
  expect(JSON.parse(write?.value ?? '')).toEqual({
    viewed: [
      { itemId: 'b', atMs: T0 + 1 },
      { itemId: 'a', atMs: T0 },
    ],
    bought: [{ itemId: 'c', atMs: T0 + 2 }],
  });
});

test('what happened to items is told once for each commit', async () => {
  const driver = await drive();
  driver.feed(CLICKS, [viewOf('a', T0), viewOf('b', T0 + 1), viewOf('a', T0 + 2), cartOf('b', T0 + 3)]);
  await driver.commit();
  await driver.commit();
  const activity = driver.events(INTERNAL_TOPICS.itemActivity.name);
  expect(activity).toMatchObject([
    {
      itemId: 'a',
      views: 2,
      carts: 0,
      purchases: 0,
      neighbours: [{ itemId: 'b', weight: 2 }],
      eventTime: T0 + 2,
    },
    { itemId: 'b', views: 1, carts: 1, neighbours: [{ itemId: 'a', weight: 2 }], eventTime: T0 + 3 },
  ]);
});

test('views of a known user are told to the user', async () => {
  const driver = await drive();
  driver.feed(CLICKS, [
    viewOf('a', T0, { userId: 'user-9' }),
    viewOf('b', T0),
    shopEvent('PageViewed', { userId: 'user-9' }),
  ]);
  await driver.commit();
  expect(told(driver)).toEqual([['user-9', 'a', 'viewed']]);
});

describe('an identity link', () => {
  const link = (userId: string) => shopEvent('IdentityLinked', { userId });
  const history: readonly MillraceEvent[] = [viewOf('a', T0), viewOf('b', T0 + 5)];

  test('gives the history of the device to the user, once and with its times', async () => {
    const driver = await drive();
    driver.feed(CLICKS, history);
    driver.feed(PURCHASES, [shopEvent('VisitorPurchased', { itemId: 'c', eventTime: T0 + 9 })]);
    driver.feed(LINKS, [link('user-1'), link('user-1')]);
    await driver.commit();
    expect(told(driver)).toEqual([
      ['user-1', 'b', 'viewed'],
      ['user-1', 'a', 'viewed'],
      ['user-1', 'c', 'bought'],
    ]);
    expect(driver.events(INTERNAL_TOPICS.userActivity.name).map(({ eventTime }) => eventTime)).toEqual([
      T0 + 5,
      T0,
      T0 + 9,
    ]);
    expect(driver.task.counters.dropped).toBe(1);
  });

  test('that conflicts never merges two users, also after a restart', async () => {
    const driver = await drive();
    driver.feed(CLICKS, history);
    driver.feed(LINKS, [link('user-1')]);
    await driver.commit();
    const again = await driver.restart();
    again.feed(CLICKS, [viewOf('c', T0 + 10)]);
    again.feed(LINKS, [link('user-2')]);
    await again.commit();
    expect(told(again).filter(([userId]) => userId === 'user-2')).toEqual([]);
  });

  test('of a device that did nothing yet keeps the device with its first user', async () => {
    const driver = await drive();
    driver.feed(LINKS, [link('user-1')]);
    driver.feed(CLICKS, history);
    driver.feed(LINKS, [link('user-2')]);
    await driver.commit();
    expect(told(driver)).toEqual([]);
  });
});

test('a late view still is a fact and part of the history', async () => {
  const driver = await drive();
  driver.feed(SHOP_TOPICS.identityLinks.name, []);
  driver.feed(PURCHASES, []);
  driver.setNow(T0 + 10_000);
  driver.feed(CLICKS, [viewOf('now', T0 + 100_000), viewOf('late', T0, { ingestTime: T0 + 100_000 })]);
  const rows = await driver.commit();
  expect(driver.task.counters).toMatchObject({ ok: 1, late: 1 });
  expect(rows.get('clicks')).toHaveLength(2);
  expect(rows.get('item_minute')).toMatchObject([{ item_id: 'now' }]);
  expect(historyOf(driver)?.viewed.map(({ itemId }) => itemId)).toEqual(['now', 'late']);
  expect(driver.kafka.recordsOf(`${CLICKS}.late`)).toHaveLength(1);
});
