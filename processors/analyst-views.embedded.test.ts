/** What analysts read: rows that the jobs have written, in the tables of the migrations, through their views. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../platform/clickhouse/open.ts';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import { parseConfig, Secret } from '../platform/config.ts';
import { silentLogger } from '../platform/log.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../schemas/topics.ts';
import { captureOf, cartOf, orderOf, scanOf, shopEvent, T0, viewOf } from '../test/harness/shop-events.ts';
import { driveTopology, type TopologyDriver } from './runtime/testing/topology-driver.ts';
import { shopTopology } from './topologies.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const TABLES = [
  'sessions',
  'order_life',
  'channel_sales_minute',
  'channel_sales_day',
  'cohort_retention',
  'segment_trending_minute',
];

const at = (minutes: number) => T0 + minutes * MINUTE_MS;
const eur = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });
const byDevice = ({ anonymousId }: { readonly anonymousId: string }) => anonymousId;
const byOrder = ({ orderId }: { readonly orderId: string }) => orderId;

let dataDir: string;
let clickhouse: ClickHouse;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-views-'));
  const config = { url: undefined, user: 'default', password: new Secret(''), database: 'views' };
  clickhouse = await openClickHouse({ config, dataDir, log: silentLogger() });
  await migrate(clickhouse, clickhouseMigrations(), { now: () => T0 });
  const driver = await driveTopology(shopTopology(parseConfig({}).processing), {
    startMs: T0 + 70 * DAY_MS,
    partitions: 3,
  });
  await sendVisits(driver);
  await sendOrders(driver);
  await sendSegments(driver);
  await driver.advanceClock(5 * DAY_MS);
  for (const table of TABLES) {
    // As if written now: what was written long ago is deleted.
    const rows = driver.rows(table).map((row) => ({ ...row, emitted_at: Date.now() }));
    const half = Math.ceil(rows.length / 2);
    // In two inserts: rows of one block are merged before they are written.
    await clickhouse.insert(table, rows.slice(0, half));
    await clickhouse.insert(table, rows.slice(half));
  }
});
afterAll(async () => {
  await clickhouse.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Two devices that order, one that fills a cart, and one that looks once; a late click merges two sessions. */
async function sendVisits(driver: TopologyDriver): Promise<void> {
  const of = (anonymousId: string) => ({ anonymousId });
  const step = (device: string, name: 'started' | 'submitted', minutes: number) =>
    shopEvent('CheckoutStepped', {
      ...of(device),
      step: name,
      orderId: `${device}-1`,
      eventTime: at(minutes),
    });
  const buys = (device: string, minutes: number) => [
    viewOf('a', at(0), of(device)),
    cartOf('a', at(minutes), of(device)),
    step(device, 'started', minutes + 1),
    step(device, 'submitted', minutes + 2),
  ];
  await driver.events(
    SHOP_TOPICS.clickstream.name,
    [
      ...buys('d1', 2),
      ...buys('d2', 4),
      viewOf('a', at(0), of('d3')),
      cartOf('a', at(9), of('d3')),
      shopEvent('PageViewed', { ...of('d4'), eventTime: at(0), channel: 'app' }),
      shopEvent('PageViewed', { ...of('d5'), eventTime: at(1), channel: 'app' }),
      shopEvent('PageViewed', { ...of('d5'), eventTime: at(31.2), channel: 'app' }),
    ],
    byDevice,
  );
  await driver.events(
    SHOP_TOPICS.clickstream.name,
    [shopEvent('PageViewed', { ...of('d5'), eventTime: at(16), channel: 'app' })],
    byDevice,
  );
}

async function sendOrders(driver: TopologyDriver): Promise<void> {
  const order = (id: string, buyerId: string, days: number, amountMinor: number) =>
    orderOf(id, at(days * 1440), { buyerId, total: eur(amountMinor) });
  await driver.events(
    SHOP_TOPICS.orders.name,
    [
      order('o1', 'anna', 0, 1000),
      order('o2', 'anna', 0, 500),
      order('o3', 'ben', 0, 700),
      order('o4', 'anna', 31, 100),
      order('o5', 'carla', 40, 900),
      shopEvent('OrderCancelled', { orderId: 'o3', eventTime: at(60) }),
      order('o6', 'anna', 65, 100),
    ],
    byOrder,
  );
  const payment = (orderId: string, minutes: number, amount = eur(1000)) => ({
    orderId,
    eventTime: at(minutes),
    amount,
  });
  await driver.events(
    SHOP_TOPICS.payments.name,
    [
      shopEvent('PaymentAuthorised', payment('o1', 1)),
      captureOf('p1', at(2), payment('o1', 2)),
      shopEvent('PaymentFailed', payment('o2', 1)),
      shopEvent('PaymentRefunded', payment('o1', 1442, eur(300))),
      captureOf('p2', at(3), payment('o1', 3, { amountMinor: 50, currency: 'JPY' })),
      captureOf('p5', at(40 * 1440), payment('o5', 40 * 1440, eur(900))),
    ],
    byOrder,
  );
  await driver.events(
    SHOP_TOPICS.shipments.name,
    [
      shopEvent('ShipmentCreated', { orderId: 'o1', eventTime: at(3), promisedTime: at(62) }),
      scanOf('parcel-1', at(12), { orderId: 'o1' }),
      shopEvent('ShipmentDelivered', { orderId: 'o1', eventTime: at(72) }),
    ],
    byOrder,
  );
}

async function sendSegments(driver: TopologyDriver): Promise<void> {
  const byUser = ({ userId }: { readonly userId: string }) => userId;
  await driver.events(
    SHOP_TOPICS.users.name,
    [shopEvent('UserUpserted', { userId: 'anna', segment: 'vip', eventTime: at(0) })],
    byUser,
  );
  const act = (itemId: string, action: 'viewed' | 'bought') =>
    shopEvent('UserActed', { userId: 'anna', itemId, action, eventTime: at(65 * 1440) });
  await driver.events(INTERNAL_TOPICS.userActivity.name, [act('i2', 'viewed'), act('i1', 'bought')], byUser);
}

const select = (sql: string) => clickhouse.query(sql);

describe('sessions', () => {
  test('each once, final, the merged one too', async () => {
    const rows = await select(
      `SELECT anonymous_id, session_start, duration_seconds, pages, is_bounce, is_final, day
       FROM sessions_now WHERE channel = 'app' ORDER BY anonymous_id`,
    );
    expect(rows).toEqual([
      {
        anonymous_id: 'd4',
        session_start: '2026-01-01T00:00:00.000Z',
        duration_seconds: 0,
        pages: 1,
        is_bounce: true,
        is_final: true,
        day: '2026-01-01',
      },
      {
        anonymous_id: 'd5',
        session_start: '2026-01-01T00:01:00.000Z',
        duration_seconds: 30.2 * 60,
        pages: 3,
        is_bounce: false,
        is_final: true,
        day: '2026-01-01',
      },
    ]);
  });

  test('by day and channel', async () => {
    expect(await select('SELECT * FROM sessions_by_day ORDER BY channel')).toMatchObject([
      { channel: 'app', sessions: 2, devices: 2, bounces: 1, bounce_rate: 0.5, purchases: 0, views: 4 },
      {
        channel: 'web',
        sessions: 3,
        users: 0,
        bounces: 0,
        purchases: 2,
        conversion: 2 / 3,
        views_per_session: 1,
      },
    ]);
  });

  test('as a funnel with conversion and median time of each step', async () => {
    const rows = await select(
      `SELECT step, sessions, sessions_before, conversion, median_seconds
       FROM funnel_by_day WHERE channel = 'web' ORDER BY step_number`,
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['session', 3, 3, 1, null],
      ['product', 3, 3, 1, 0],
      ['cart', 3, 3, 1, 240],
      ['checkout', 2, 3, 2 / 3, 60],
      ['order', 2, 2, 1, 60],
    ]);
    const app = await select(`SELECT step, sessions, conversion FROM funnel_by_day WHERE channel = 'app'`);
    expect(app).toContainEqual({ step: 'cart', sessions: 0, conversion: null });
  });
});

describe('orders', () => {
  test('with the time between their steps', async () => {
    const [row] = await select(`SELECT * FROM orders_now WHERE order_id = 'o1'`);
    expect(row).toMatchObject({
      status: 'delivered',
      placed_at: '2026-01-01T00:00:00.000Z',
      seconds_to_authorise: 60,
      seconds_to_capture: 60,
      seconds_to_ship: 600,
      seconds_to_deliver: 3600,
      seconds_to_door: 72 * 60,
      late_seconds: 600,
      captured_minor: { EUR: 1000, JPY: 50 },
      refunded_minor: { EUR: 300 },
      cancelled_at: null,
    });
  });

  test('with their money by currency', async () => {
    expect(await select(`SELECT * FROM order_money WHERE order_id = 'o1' ORDER BY currency`)).toMatchObject([
      { currency: 'EUR', ordered_minor: 1000, captured_minor: 1000, refunded_minor: 300, net_minor: 700 },
      { currency: 'JPY', ordered_minor: 0, captured_minor: 50, refunded_minor: 0, net_minor: 50 },
    ]);
  });

  test('by day', async () => {
    const rows = await select('SELECT * FROM orders_by_day ORDER BY day');
    expect(rows).toMatchObject([
      {
        day: '2026-01-01',
        channel: 'web',
        mode: 'b2c',
        orders: 3,
        buyers: 2,
        paid: 1,
        delivered: 1,
        cancelled: 1,
        stuck: 1,
        promised: 1,
        on_time: 0,
        median_seconds_to_door: 72 * 60,
      },
      { day: '2026-02-01', orders: 1, delivered: 0, promised: 0, median_seconds_to_door: null },
      { day: '2026-02-10', orders: 1, paid: 1 },
      { day: '2026-03-07', orders: 1 },
    ]);
  });

  test('that are stuck, and where', async () => {
    const rows = await select('SELECT order_id, stuck_step, stuck_since FROM stuck_orders ORDER BY order_id');
    expect(rows).toEqual([
      { order_id: 'o2', stuck_step: 'payment', stuck_since: '2026-01-02T00:00:00.000Z' },
      { order_id: 'o4', stuck_step: 'payment', stuck_since: '2026-02-02T00:00:00.000Z' },
      { order_id: 'o5', stuck_step: 'ship', stuck_since: '2026-02-12T00:00:00.000Z' },
      { order_id: 'o6', stuck_step: 'payment', stuck_since: '2026-03-08T00:00:00.000Z' },
    ]);
  });
});

describe('sales', () => {
  test('by minute, gross, refunded and net apart', async () => {
    const rows = await select(
      `SELECT toString(window_start) AS minute, currency, orders, ordered_minor, captured_minor, refunded_minor,
         net_minor, failed_payments
       FROM channel_sales_by_minute WHERE window_start < '2026-01-03' ORDER BY window_start, currency`,
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['2026-01-01 00:00:00.000', 'EUR', 3, 2200, 0, 0, 0, 0],
      ['2026-01-01 00:01:00.000', 'EUR', 0, 0, 0, 0, 0, 1],
      ['2026-01-01 00:02:00.000', 'EUR', 0, 0, 1000, 0, 1000, 0],
      ['2026-01-01 00:03:00.000', 'JPY', 0, 0, 50, 0, 50, 0],
      ['2026-01-02 00:02:00.000', 'EUR', 0, 0, 0, 300, -300, 0],
    ]);
  });

  test('by day, with distinct buyers from the orders', async () => {
    const rows = await select(
      `SELECT day, currency, orders, captured_minor, refunds, net_minor FROM channel_sales_by_day
       WHERE day < '2026-01-03' ORDER BY day, currency`,
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['2026-01-01', 'EUR', 3, 1000, 0, 1000],
      ['2026-01-01', 'JPY', 0, 50, 0, 50],
      ['2026-01-02', 'EUR', 0, 0, 1, -300],
    ]);
    const buyers = await select(`SELECT day, mode, buyers FROM buyers_by_day WHERE day = '2026-01-01'`);
    expect(buyers).toEqual([{ day: '2026-01-01', mode: 'b2c', buyers: 2 }]);
  });
});

describe('cohorts', () => {
  test('as a triangle, periods without buyers included', async () => {
    const rows = await select(
      `SELECT cohort, period, cohort_buyers, buyers, retention FROM retention_triangle
       WHERE granularity = 'month' ORDER BY cohort, period`,
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['2026-01-01', 0, 2, 2, 1],
      ['2026-01-01', 1, 2, 1, 0.5],
      ['2026-01-01', 2, 2, 1, 0.5],
      ['2026-02-01', 0, 1, 1, 1],
      ['2026-02-01', 1, 1, 0, 0],
    ]);
    const weeks = await select(
      `SELECT cohort, max(period) AS last, sum(buyers) AS buyers FROM retention_triangle
       WHERE granularity = 'week' GROUP BY cohort ORDER BY cohort`,
    );
    expect(weeks).toEqual([
      { cohort: '2025-12-29', last: 9, buyers: 4 },
      { cohort: '2026-02-09', last: 3, buyers: 1 },
    ]);
  });

  test('with what they have ordered so far', async () => {
    const rows = await select(
      `SELECT cohort, period, currency, ordered_minor, cumulative_minor, cohort_buyers FROM cohort_revenue
       WHERE granularity = 'month' ORDER BY cohort, period`,
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['2026-01-01', 0, 'EUR', 2200, 2200, 2],
      ['2026-01-01', 1, 'EUR', 100, 2300, 2],
      ['2026-01-01', 2, 'EUR', 100, 2400, 2],
      ['2026-02-01', 0, 'EUR', 900, 900, 1],
    ]);
  });
});

test('trending items of a segment and of the whole shop have ranks', async () => {
  const rows = await select(
    `SELECT segment, rank, item_id FROM segment_trending
     WHERE segment = 'vip' AND window_start = '2026-03-07 00:00:00' ORDER BY segment, rank`,
  );
  expect(rows).toEqual([
    { segment: 'vip', rank: 1, item_id: 'i1' },
    { segment: 'vip', rank: 2, item_id: 'i2' },
  ]);
  const [shop] = await select(
    `SELECT argMax(item_id, window_start) AS best FROM segment_trending WHERE segment = '' AND rank = 1`,
  );
  expect(shop).toEqual({ best: 'item-1' });
});
