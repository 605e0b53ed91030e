/** What the panels of customers and orders show of the sample shop. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUSTOMERS_ORDERS_UID } from './dashboard-uids.ts';
import { MINUTE_MS, openSampleDatabase, TO_MS, type SampleDatabase } from './sample-database.contract.ts';
import type { Selection } from './sql-macros.ts';

let sample: SampleDatabase;
beforeAll(async () => {
  sample = await openSampleDatabase();
});
afterAll(() => sample.close());

describe('numbers of customers and orders', () => {
  const numbers = (panelId: number, selection: Selection = {}) =>
    sample.rowsOf(CUSTOMERS_ORDERS_UID, panelId, selection);

  it('counts sessions by their newest version, without those that were merged into others', async () => {
    expect(await numbers(1)).toEqual([{ sessions: 4 }]);
    expect(await numbers(1, { channel: ['app'] })).toEqual([{ sessions: 1 }]);
    expect(await numbers(2)).toEqual([{ conversion: 2 / 4 }]);
    expect(await numbers(2, { channel: ['live'] })).toEqual([{ conversion: null }]);
  });

  it('follows sessions step by step on their way to an order', async () => {
    expect((await numbers(11)).map((row) => row['reached'])).toEqual([4, 3, 3, 2, 2]);
    expect(await numbers(12)).toEqual([
      {
        channel: 'web',
        visits: 3,
        to_product: 2 / 3,
        to_cart: 1,
        to_checkout: 1,
        to_order: 1,
        cart_seconds: 120,
        checkout_seconds: 120,
        order_seconds: 60,
      },
      {
        channel: 'app',
        visits: 1,
        to_product: 1,
        to_cart: 1,
        to_checkout: 0,
        to_order: null,
        cart_seconds: 240,
        checkout_seconds: null,
        order_seconds: null,
      },
    ]);
    expect(await numbers(13)).toMatchObject([
      { came_from: 'search.example', visits: 3, bounced: 0, ordered: 2 / 3, length: 300 },
      { came_from: 'direct', visits: 1, bounced: 1, ordered: 0, length: 0 },
    ]);
  });

  it('knows how far orders are, which are stuck, and which came in time', async () => {
    expect(await numbers(20)).toEqual([
      { status: 'delivered', orders: 2 },
      { status: 'cancelled', orders: 1 },
      { status: 'captured', orders: 1 },
    ]);
    expect(await numbers(4)).toEqual([{ stuck: 1 }]);
    expect((await numbers(21))[0]).toEqual({ step: 'ship', orders: 1 });
    expect(await numbers(23)).toMatchObject([{ order_id: 'o3', stuck_step: 'ship', amount: 12.5 }]);
    expect(await numbers(5)).toEqual([{ on_time: 1 / 2 }]);
    expect((await numbers(22))[0]).toMatchObject({
      channel: 'web',
      orders: 3,
      authorise: 60,
      capture: 120,
      ship: 420,
      deliver: 1200,
      door: 1800,
    });
  });

  it('keeps gross, refunded and net apart, adds the tasks up, and counts buyers once', async () => {
    expect(await numbers(3)).toEqual([{ currency: 'EUR', net: (2500 + 100 - 400 - 50) / 100 }]);
    expect(await numbers(31)).toEqual([
      {
        currency: 'EUR',
        channel: 'web',
        mode: 'b2c',
        orders: 2,
        ordered: 25,
        captured: 26,
        refunded: 4,
        charged_back: 0.5,
        net: 21.5,
        failed_share: 1 / 5,
      },
      expect.objectContaining({ channel: 'app', mode: 'b2b', orders: 1, captured: 0, failed_share: null }),
    ]);
    const days = await numbers(32);
    expect(days).toMatchObject([{ currency: 'EUR', orders: 3, buyers: 2, captured: 26, net: 21.5 }]);
    expect(await numbers(32, { mode: ['b2b'] })).toMatchObject([{ orders: 1, buyers: 0 }]);
  });

  it('draws the triangle: nobody is a zero, and what has not come yet is empty', async () => {
    expect(await numbers(40)).toMatchObject([
      { first_order: '2026-03-01', customers: 2, period_1: null },
      { first_order: '2026-01-01', customers: 10, period_1: 0.4, period_2: 0, period_3: null },
    ]);
    expect(await numbers(41)).toMatchObject([{ first_order: '2026-03-02', customers: 2, period_1: null }]);
    expect(await numbers(42)).toEqual([
      { first_order: '2026-03-01', currency: 'EUR', customers: 2, ordered: 5, per_buyer: 2.5 },
      { first_order: '2026-01-01', currency: 'EUR', customers: 10, ordered: 100, per_buyer: 10 },
      { first_order: '2026-01-01', currency: 'JPY', customers: 10, ordered: 600, per_buyer: 60 },
    ]);
  });

  it('shows the day of the shop that has begun, also where it is not yet that day in UTC', async () => {
    const startMs = TO_MS - 30 * MINUTE_MS;
    const day = new Date(startMs + 86_400_000).toISOString().slice(0, 10);
    const row = {
      partition: 0,
      version: 1,
      emitted_at: TO_MS,
      reason: 'update',
      mode: 'b2c',
      channel: 'web',
    };
    await sample.clickhouse.insert('channel_sales_day', [
      { ...row, window_start: startMs, day, currency: 'GBP', orders: 1, ordered_minor: 100 },
    ]);
    expect(await numbers(32)).toContainEqual(
      expect.objectContaining({ date: day, currency: 'GBP', orders: 1 }),
    );
  });

  it('shows the newest list of each segment', async () => {
    const rows = await numbers(43);
    expect(rows.map((row) => [row['users_of'], row['place'], row['item_id']])).toEqual([
      ['everybody', 1, 'i1'],
      ['everybody', 2, 'i2'],
      ['vip', 1, 'i2'],
    ]);
  });
});
