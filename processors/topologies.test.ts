import { expect, test } from 'vitest';
import { parseConfig } from '../platform/config.ts';
import type { CardPayment, ClickstreamEvent, OrdersEvent } from '../schemas/generated/events.ts';
import { historyKey, recentAlertsKey, trendingKey, type RecentAlerts } from '../schemas/keys.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../schemas/topics.ts';
import { captureOf, orderOf, scanOf, shopEvent, T0, viewOf } from '../test/harness/shop-events.ts';
import { memoryKafka } from './runtime/testing/memory-kafka.ts';
import { driveTask } from './runtime/testing/task-driver.ts';
import { driveTopology, type TopologyDriver } from './runtime/testing/topology-driver.ts';
import { shopTopology } from './topologies.ts';

const SHOP = shopTopology(parseConfig({}).processing);
const { clickstream: CLICKS, identityLinks: LINKS, orders: ORDERS, payments: PAYMENTS } = SHOP_TOPICS;
const PARTITIONS = 3;

function subtopologyOfShop(name: string) {
  const found = SHOP.subtopologies.find((subtopology) => subtopology.name === name);
  if (found === undefined) throw new Error(`no sub-topology ${name}`);
  return found;
}
const drive = () => driveTopology(SHOP, { startMs: T0, partitions: PARTITIONS });
const click = (driver: TopologyDriver, ...events: ClickstreamEvent[]) =>
  driver.events(CLICKS.name, events, ({ anonymousId }) => anonymousId);
const order = (driver: TopologyDriver, ...events: OrdersEvent[]) =>
  driver.events(ORDERS.name, events, ({ orderId }) => orderId);

/** A changelog belongs to a sub-topology, an entry of it to a store: under another name nothing finds it. */
test.each([
  ['visitor', ['visitors', 'shop-by-minute', 'items-by-minute', 'sessions']],
  ['orders', ['sales-by-minute', 'parcels', 'parcel-silence']],
  ['orders', ['order-life']],
  ['orders', ['sale-places', 'sales-without-place']],
  ['orders', ['channel-sales-by-minute', 'channel-sales-by-day-utc']],
  ['items', ['neighbours', 'scores']],
  ['catalog', []],
  ['user', ['users', 'segment-of-user']],
  ['card', ['cards']],
  ['trending', ['partitions', 'trending-lists', 'trending-lists-minutes']],
  ['orders-by-buyer', ['buyers', 'cohort-cells']],
  ['segment-acts', ['segment-scores']],
  ['segment-candidates', ['segment-lists', 'segment-lists-minutes']],
  ['journal', ['recent-alerts']],
])('%s keeps its name, and that of its stores', async (name, stores) => {
  const { task } = await driveTask(subtopologyOfShop(name), { nowMs: T0 });
  const names = task.state.describe().map(({ store }) => store);
  expect(stores.filter((store) => !names.includes(store))).toEqual([]);
});

test.each([
  ['visitor', 'shop-minute'],
  ['visitor', 'item-minute'],
  ['orders', 'sales-minute'],
])('%s deletes what an earlier version left in its store %s', async (name, store) => {
  const kafka = memoryKafka();
  const topic = `changelog.${name}`;
  const key = `${store}/${T0}|web`;
  kafka.append({ topic, partition: 0, key, value: Buffer.from('{}'), timestampMs: T0 });
  await driveTask(subtopologyOfShop(name), { nowMs: T0, kafka });
  const left = kafka.recordsOf(topic).filter((record) => String(record.key) === key);
  expect(left.map(({ value }) => value === null)).toEqual([false, true]);
});

test('a purchase reaches the histories of device and user, the list of trending items and the sales of its minute', async () => {
  const driver = await drive();
  await click(driver, viewOf('a', T0), viewOf('b', T0 + 1000));
  await order(driver, orderOf('o1', T0 + 2000));
  const read = (key: string) => JSON.parse(driver.online(key) ?? '{}') as unknown;
  const bought = [{ itemId: 'item-1', atMs: T0 + 2000 }];
  expect(read(historyKey({ kind: 'a', id: 'device-1' }))).toMatchObject({
    viewed: [{ itemId: 'b' }, { itemId: 'a' }],
    bought,
  });
  expect(read(historyKey({ kind: 'u', id: 'user-1' }))).toMatchObject({ viewed: [], bought });
  expect(read(trendingKey())).toMatchObject({
    items: [{ itemId: 'item-1' }, { itemId: 'a' }, { itemId: 'b' }],
  });
  expect(driver.rows('sales_minute')).toMatchObject([{ orders: 1, ordered_minor: 1000 }]);
});

test('payments of orders in all partitions meet at their card, and its alert reaches the journal once', async () => {
  const driver = await drive();
  const pay = (n: number) => captureOf(`p${n}`, T0 + n * 1000, { orderId: `order-${n}` });
  for (let n = 0; n < 8; n++) {
    await driver.events(PAYMENTS.name, [pay(n)], ({ orderId }) => orderId);
    if (n === 2 || n === 5) await driver.restart();
  }
  const sent = driver.readEvents(INTERNAL_TOPICS.cardPayments.name) as readonly CardPayment[];
  expect(sent.map(({ paymentId }) => paymentId)).toEqual(Array.from({ length: 8 }, (_, n) => `p${n}`));
  expect(driver.rows('alerts')).toMatchObject([{ kind: 'card-velocity-burst', entity_id: 'card-1' }]);
  const recent = Array.from({ length: PARTITIONS }, (_, p) => driver.online(recentAlertsKey(p)));
  const notices = recent.flatMap((value) => (JSON.parse(value ?? '{"alerts":[]}') as RecentAlerts).alerts);
  expect(notices).toMatchObject([{ entityId: 'card-1' }]);
});

test('minutes of visitors close where nothing was ever ordered, and no partition but one has events', async () => {
  const driver = await drive();
  await click(driver, viewOf('a', T0), viewOf('a', T0 + 59_000));
  await driver.advanceClock(120_000);
  const reasons = (table: string) => driver.rows(table).map((row) => row['reason']);
  expect(reasons('shop_minute')).toEqual(['update', 'idle']);
  expect(reasons('item_minute')).toEqual(['update', 'idle']);
  expect(driver.rows('item_minute').at(-1)).toMatchObject({ item_id: 'a', views: 2, window_start: T0 });
});

test('click minutes close by events while carriers report scans an hour late', async () => {
  const driver = await drive();
  for (let minute = 0; minute < 4; minute++) {
    const atMs = T0 + minute * 60_000;
    const scans = Array.from({ length: 3 * PARTITIONS }, (_, n) =>
      scanOf(`p${n}`, atMs - 3_600_000, { orderId: `o${n}`, ingestTime: atMs }),
    );
    await driver.events(SHOP_TOPICS.shipments.name, scans, ({ orderId }) => orderId);
    await order(driver, ...scans.map(({ orderId }) => orderOf(orderId, atMs)));
    const devices = Array.from({ length: 3 * PARTITIONS }, (_, n) => `device-${n}`);
    await click(driver, ...devices.map((anonymousId) => viewOf('a', atMs, { anonymousId })));
  }
  const closed = driver.rows('shop_minute').filter((row) => row['reason'] === 'watermark');
  expect(new Set(closed.map((row) => Number(row['window_start']) - T0))).toEqual(new Set([0, 60_000]));
});

test('a topic that others write too carries no watermarks', async () => {
  const driver = await drive();
  const pay = (n: number) => captureOf(`p${n}`, T0 + n * 1000, { orderId: `order-${n}` });
  await driver.events(
    PAYMENTS.name,
    Array.from({ length: 8 }, (_, n) => pay(n)),
    ({ orderId }) => orderId,
  );
  await driver.advanceClock(10_000);
  const keysOf = (topic: string) => driver.kafka.recordsOf(topic).map(({ key }) => key?.toString());
  expect(keysOf(SHOP_TOPICS.alerts.name)).toEqual(['card-1']);
  expect(keysOf(INTERNAL_TOPICS.cardPayments.name)).toContain(undefined);
});

test('while the shop is quiet no item is said to be trending again, though a parcel keeps time moving', async () => {
  const driver = await drive();
  await click(driver, viewOf('a', T0));
  await driver.events(SHOP_TOPICS.shipments.name, [scanOf('p', T0)], ({ orderId }) => orderId);
  await driver.advanceClock(120_000);
  expect(driver.readEvents(INTERNAL_TOPICS.trendingCandidates.name)).toHaveLength(1);
  await driver.advanceClock(600_000);
  expect(driver.readEvents(INTERNAL_TOPICS.trendingCandidates.name)).toEqual([]);
});

/** What readers see in the end. Versions and times of writing differ from run to run, and what closed a window may. */
function seenBy(driver: TopologyDriver, keys: readonly string[]) {
  const latest = (table: string, key: string) =>
    Object.fromEntries(
      driver
        .rows(table)
        .map(({ reason, ...row }) => [
          JSON.stringify([row['window_start'], row[key], row['partition']]),
          { ...row, isClosed: reason !== 'update', version: 0, emitted_at: 0 },
        ]),
    );
  return {
    online: keys.map((key) => driver.online(key)),
    shop: latest('shop_minute', 'channel'),
    items: latest('item_minute', 'item_id'),
    sales: latest('sales_minute', 'currency'),
    facts: ['clicks', 'orders'].map((table) => driver.rows(table).length),
  };
}

test('crashes of all tasks change nothing of what the shop says', async () => {
  const devices = ['d0', 'd1', 'd2', 'd3', 'd4'];
  const keys = [
    ...devices.map((id) => historyKey({ kind: 'a', id })),
    ...devices.map((_, n) => historyKey({ kind: 'u', id: `u${n}` })),
    trendingKey(),
  ];
  const steps = Array.from({ length: 60 }, (_, n) => {
    const eventTime = T0 + n * 3000;
    const anonymousId = devices[n % 5] ?? '';
    if (n % 12 === 5)
      return [
        LINKS.name,
        shopEvent('IdentityLinked', { anonymousId, userId: `u${n % 5}`, eventTime }),
      ] as const;
    if (n % 7 === 3)
      return [ORDERS.name, orderOf(`o${n}`, eventTime, { anonymousId, buyerId: `u${n % 5}` })] as const;
    return [CLICKS.name, viewOf(`i${(n * n) % 7}`, eventTime, { anonymousId })] as const;
  });
  const run = async (crashes: boolean) => {
    const driver = await drive();
    for (const [index, [topic, event]] of steps.entries()) {
      const key = 'orderId' in event ? event.orderId : event.anonymousId;
      await driver.events(topic, [event as never], () => key);
      await driver.advanceClock(3000);
      if (crashes && index % 9 === 4) await driver.restart();
    }
    await driver.advanceClock(120_000);
    return seenBy(driver, keys);
  };
  const calm = await run(false);
  expect(Object.values(calm.items).filter(({ isClosed }) => isClosed)).not.toHaveLength(0);
  expect(await run(true)).toEqual(calm);
});
