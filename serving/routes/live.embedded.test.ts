import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import type { ClickHouse, Row } from '../../platform/clickhouse/port.ts';
import { Secret } from '../../platform/config.ts';
import { silentLogger } from '../../platform/log.ts';
import { clickhouseMigrations } from '../../schemas/migrations.ts';
import { startServing, START_MS, type Harness } from '../harness.contract.ts';
import type { LiveNumbers } from '../live/live-numbers.ts';

let dataDir: string;
let clickhouse: ClickHouse;
let databases = 0;
let harness: Harness | undefined;

function open(): Promise<ClickHouse> {
  const config = {
    url: undefined,
    user: 'default',
    password: new Secret(''),
    database: `live_${++databases}`,
  };
  return openClickHouse({ config, dataDir, log: silentLogger() });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-live-'));
  clickhouse = await open();
  await migrate(clickhouse, clickhouseMigrations(), { now: Date.now });
  await clickhouse.insert('clicks', clicks);
  await clickhouse.insert('orders', [order(1, 'bought-1'), order(2, 'bought-1')]);
  await clickhouse.insert('sales_minute', sales);
  await clickhouse.insert('shop_minute', [shopMinute(1, 7), shopMinute(2, 9)]);
}, 60_000);
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});
afterAll(async () => {
  await clickhouse.close();
  await rm(dataDir, { recursive: true, force: true });
});

const fact = (offset: number, ageMs: number): Row => ({
  _topic: 'shop.clickstream',
  _partition: 0,
  _offset: offset,
  _ordinal: 0,
  event_id: `00000000-0000-7000-8000-${String(offset).padStart(12, '0')}`,
  event_time: START_MS - ageMs,
  ingest_time: START_MS - ageMs,
});
const view = (offset: number, ageMs: number, anonymousId: string, itemId = 'item'): Row => ({
  ...fact(offset, ageMs),
  event_type: 'ProductViewed',
  anonymous_id: anonymousId,
  item_id: itemId,
});
const clicks = [
  view(1, 3000, 'often'),
  view(2, 3000, 'often', 'other'),
  // The same place in the log again, as after a repeated write.
  view(2, 3000, 'often', 'other'),
  { ...fact(3, 3500), event_type: 'PageViewed', anonymous_id: 'bought-1' },
  view(4, 100_000, 'once'),
  view(5, 2 * 3_600_000, 'long-ago'),
];
const order = (offset: number, anonymousId: string): Row => ({
  ...fact(offset, 4000),
  _topic: 'shop.orders',
  event_type: 'OrderPlaced',
  order_id: `order-${offset}`,
  anonymous_id: anonymousId,
});
const sale = (currency: string, capturedMinor: number, version: number): Row => ({
  window_start: START_MS - 600_000,
  currency,
  partition: 0,
  orders: 2,
  captured_payments: 1,
  captured_minor: capturedMinor,
  emitted_at: START_MS,
  version,
});
const sales = [sale('EUR', 100, 1), sale('EUR', 250, 2), sale('JPY', 900, 1)];
const shopMinute = (partition: number, productViews: number): Row => ({
  window_start: START_MS - 600_000,
  channel: 'web',
  partition,
  product_views: productViews,
  cart_adds: 1,
  emitted_at: START_MS,
  version: 1,
});

const live = async () => (await (harness as Harness).get<LiveNumbers>('/v1/live')).body;

describe('GET /v1/live', () => {
  it('counts facts once, by the second, and money by currency', async () => {
    harness = await startServing({ clickhouse });
    const body = await live();
    const points = new Map(body.throughput?.points.map((point) => [point.second, point]));
    expect(body.throughput?.points).toHaveLength(300);
    const second = START_MS / 1000 - 3;
    expect(points.get(second)).toEqual({ second, events: 2, productViews: 2 });
    // 3.5 s and 4 s ago: one page view and two orders.
    expect(points.get(second - 1)).toEqual({ second: second - 1, events: 3, productViews: 0 });
    expect(body.throughput?.eventsPerSecond).toBeCloseTo(0.5);
    expect(body.sales?.orders).toBe(4);
    expect(body.sales?.byCurrency.map((entry) => [entry.currency, entry.capturedMinor])).toEqual([
      ['JPY', 900],
      ['EUR', 250],
    ]);
    expect(body.funnel).toMatchObject({ productViews: 16, cartAdds: 2 });
    expect(body.conversion).toEqual({ visitors: 3, buyers: 1, rate: 1 / 3 });
    expect(body.rows).toMatchObject({ orders: 2, payments: 0 });
    expect(body.sources).toEqual({ clickhouse: 'ok', onlineStore: 'ok' });
  });

  it('is read at most once a second, and then shows facts that came late', async () => {
    const own = await open();
    await migrate(own, clickhouseMigrations(), { now: Date.now });
    harness = await startServing({ clickhouse: own });
    const total = (body: LiveNumbers) =>
      body.throughput?.points.reduce((sum, point) => sum + point.events, 0);
    expect(total(await live())).toBe(0);
    await own.insert('clicks', [view(1, 5000, 'a')]);
    harness.clock.nowMs += 999;
    expect(total(await live())).toBe(0);
    harness.clock.nowMs += 1;
    expect(total(await live())).toBe(1);
    harness.clock.nowMs += 400_000;
    expect(total(await live())).toBe(0);
    await harness.close();
    harness = undefined;
    await own.close();
  });

  it('has nulls where ClickHouse is absent or closed, and says so', async () => {
    harness = await startServing();
    expect(await live()).toMatchObject({
      throughput: null,
      sales: null,
      conversion: null,
      sources: { clickhouse: 'absent', onlineStore: 'ok' },
    });
    await harness.close();

    const closed = await open();
    await closed.close();
    harness = await startServing({ clickhouse: closed });
    await harness.store.close();
    expect(await live()).toMatchObject({
      throughput: null,
      funnel: null,
      rows: null,
      sources: { clickhouse: 'down', onlineStore: 'down' },
    });
    expect((await harness.get('/v1/visitors/active')).body).toEqual({ visitors: null });
  });
});

describe('the visitors of the console', () => {
  it('are those of the last minutes, the busiest first', async () => {
    harness = await startServing({ clickhouse });
    const { body } = await harness.get<{ visitors: { anonymousId: string; productViews: number }[] }>(
      '/v1/visitors/active',
    );
    expect(body.visitors.map((visitor) => [visitor.anonymousId, visitor.productViews])).toEqual([
      ['often', 2],
      ['once', 1],
    ]);
  });

  it('have their history shown', async () => {
    harness = await startServing();
    await harness.history({ kind: 'a', id: 'x' }, ['seen'], ['had']);
    const { body } = await harness.get('/v1/visitors/x/history');
    const shown = { viewed: [{ itemId: 'seen', atMs: START_MS }], bought: [{ itemId: 'had' }] };
    expect(body).toMatchObject({ ...shown, degraded: false });
    await harness.get('/v1/recommendations?anonymousId=x');
    await harness.store.close();
    expect((await harness.get('/v1/visitors/x/history')).body).toMatchObject({ ...shown, degraded: true });
  });
});

describe('a start on a shop whose online store is empty', () => {
  it('recommends the most viewed items of the facts', async () => {
    harness = await startServing({ clickhouse });
    const { body } = await harness.get<{ items: { itemId: string; source: string }[] }>(
      '/v1/recommendations?anonymousId=new',
    );
    expect(body.items.map((item) => [item.itemId, item.source])).toEqual([
      ['item', 'last-resort'],
      ['other', 'last-resort'],
    ]);
  });
});
