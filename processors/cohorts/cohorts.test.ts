import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OrderPlaced } from '../../schemas/generated/events.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { orderOf, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { topology } from '../runtime/dsl/index.ts';
import { driveTopology, type TopologyDriver } from '../runtime/testing/topology-driver.ts';
import { firstDayOfMonth, firstDayOfWeek, shopCalendar } from '../shop-calendar.ts';
import { MAX_PERIODS, type Granularity } from './buyer-periods.ts';
import { cohortsJob } from './cohorts.ts';

const ORDERS = SHOP_TOPICS.orders.name;
const DAY_MS = 86_400_000;
/** Later than everything that happens; no clock moves time on before a test says so. */
const NOW = T0 + 4000 * DAY_MS;

async function drive(options: { timeZone?: string; partitions?: number } = {}): Promise<TopologyDriver> {
  const app = topology('test');
  cohortsJob(app, { timeZone: options.timeZone ?? 'UTC' });
  return driveTopology(app.build(), { startMs: NOW, ...options });
}

let orders = 0;
const order = (buyerId: string, date: string, amountMinor = 100, currency = 'EUR') =>
  orderOf(`order-${orders++}`, Date.parse(date), { buyerId, total: { amountMinor, currency } });
const tell = (driver: TopologyDriver, ...events: readonly OrderPlaced[]) =>
  driver.events(ORDERS, events, ({ orderId }) => orderId);

type CellRow = readonly [cohort: string, period: number, buyers: number, orders: number, minor: object];

/** What a reader sees: newest versions, added up over the partitions; cells that nobody is in are left out. */
function cells(driver: TopologyDriver, granularity: Granularity): readonly CellRow[] {
  const newest = new Map<string, ReturnType<TopologyDriver['rows']>[number]>();
  for (const row of driver.rows('cohort_retention')) {
    const key = JSON.stringify([row['granularity'], row['cohort'], row['period'], row['partition']]);
    if (Number(newest.get(key)?.['version'] ?? 0) < Number(row['version'])) newest.set(key, row);
  }
  const sums = new Map<string, { buyers: number; orders: number; minor: Record<string, number> }>();
  for (const row of newest.values()) {
    if (row['granularity'] !== granularity) continue;
    const key = JSON.stringify([row['cohort'], row['period']]);
    const sum = sums.get(key) ?? { buyers: 0, orders: 0, minor: {} };
    sum.buyers += Number(row['buyers']);
    sum.orders += Number(row['orders']);
    for (const [currency, amount] of Object.entries(row['ordered_minor'] as Record<string, number>))
      sum.minor[currency] = (sum.minor[currency] ?? 0) + amount;
    sums.set(key, sum);
  }
  return [...sums]
    .filter(([, { orders: n }]) => n > 0)
    .map(([key, sum]): CellRow => {
      const [cohort, period] = JSON.parse(key) as [string, number];
      const minor = Object.fromEntries(Object.entries(sum.minor).filter(([, amount]) => amount !== 0));
      return [cohort, period, sum.buyers, sum.orders, minor];
    })
    .sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1));
}

describe('a buyer', () => {
  test('belongs to the month and the week of the first order, and counts once in each period', async () => {
    const driver = await drive();
    await tell(
      driver,
      order('anna', '2026-01-05'),
      order('anna', '2026-01-20', 50),
      order('anna', '2026-03-02', 70, 'JPY'),
      order('ben', '2026-01-31'),
      order('carla', '2026-02-01'),
    );
    expect(cells(driver, 'month')).toEqual([
      ['2026-01-01', 0, 2, 3, { EUR: 250 }],
      ['2026-01-01', 2, 1, 1, { JPY: 70 }],
      ['2026-02-01', 0, 1, 1, { EUR: 100 }],
    ]);
    expect(cells(driver, 'week')).toEqual([
      ['2026-01-05', 0, 1, 1, { EUR: 100 }],
      ['2026-01-05', 2, 1, 1, { EUR: 50 }],
      ['2026-01-05', 8, 1, 1, { JPY: 70 }],
      ['2026-01-26', 0, 2, 2, { EUR: 200 }],
    ]);
  });

  test('moves to an earlier cohort with an order that comes late, and leaves nothing behind', async () => {
    const driver = await drive();
    await tell(driver, order('anna', '2026-02-10'), order('anna', '2026-03-10'), order('ben', '2026-02-11'));
    await driver.restart();
    await tell(driver, order('anna', '2026-01-10', 7));
    expect(cells(driver, 'month')).toEqual([
      ['2026-01-01', 0, 1, 1, { EUR: 7 }],
      ['2026-01-01', 1, 1, 1, { EUR: 100 }],
      ['2026-01-01', 2, 1, 1, { EUR: 100 }],
      ['2026-02-01', 0, 1, 1, { EUR: 100 }],
    ]);
    const left = driver.rows('cohort_retention').filter((row) => row['buyers'] === 0);
    expect(left).toContainEqual(expect.objectContaining({ cohort: '2026-02-01', period: 1, orders: 0 }));
  });

  test('is followed for so many periods and no longer', async () => {
    const driver = await drive();
    await tell(driver, order('anna', '2026-01-01'), order('anna', '2028-12-31'), order('anna', '2029-01-01'));
    expect(cells(driver, 'month').map(([, period]) => period)).toEqual([0, MAX_PERIODS.month - 1]);
    expect(cells(driver, 'week').map(([, period]) => period)).toEqual([0]);
  });
});

test('months begin where the shop is', async () => {
  const driver = await drive({ timeZone: 'America/Sao_Paulo' });
  await tell(driver, order('anna', '2026-02-01T02:59Z'), order('ben', '2026-02-01T03:00Z'));
  expect(cells(driver, 'month').map(([cohort]) => cohort)).toEqual(['2026-01-01', '2026-02-01']);
});

test('only orders that are placed count', async () => {
  const driver = await drive();
  const other = ['OrderConfirmed', 'OrderCancelled', 'OrderCompleted', 'OrderHeld'] as const;
  await driver.events(
    ORDERS,
    other.map((type) => shopEvent(type)),
    ({ orderId }) => orderId,
  );
  expect(driver.rows('cohort_retention')).toEqual([]);
});

/** The same the plain way, over all orders at once. */
function bruteForce(all: readonly OrderPlaced[], granularity: Granularity): readonly CellRow[] {
  const dayOf = shopCalendar('Europe/Berlin');
  const first = granularity === 'month' ? firstDayOfMonth : firstDayOfWeek;
  const periodOf = ({ eventTime }: OrderPlaced) => dayOf(eventTime)[granularity];
  const cohorts = new Map<string, number>();
  for (const each of all)
    cohorts.set(each.buyerId, Math.min(cohorts.get(each.buyerId) ?? Infinity, periodOf(each)));
  const rows: CellRow[] = [];
  for (const cohort of new Set(cohorts.values()))
    for (let period = 0; period < MAX_PERIODS[granularity]; period++) {
      const of = all.filter(
        (each) => cohorts.get(each.buyerId) === cohort && periodOf(each) === cohort + period,
      );
      if (of.length === 0) continue;
      const minor: Record<string, number> = {};
      for (const { total } of of) minor[total.currency] = (minor[total.currency] ?? 0) + total.amountMinor;
      rows.push([first(cohort), period, new Set(of.map(({ buyerId }) => buyerId)).size, of.length, minor]);
    }
  return rows.sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1));
}

test('the parts of all tasks are the cohorts of all orders, in any order of arrival and through crashes', async () => {
  const anyOrder = fc.record({
    buyer: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    day: fc.integer({ min: 0, max: 1500 }),
    amountMinor: fc.integer({ min: 1, max: 2 ** 45 }),
    currency: fc.constantFrom('EUR', 'JPY'),
  });
  const plan = fc
    .array(anyOrder, { minLength: 1, maxLength: 40 })
    .map((all) =>
      all.map(({ buyer, day, amountMinor, currency }) =>
        order(buyer, new Date(T0 + day * DAY_MS).toISOString(), amountMinor, currency),
      ),
    );
  await fc.assert(
    fc.asyncProperty(plan, async (all) => {
      const driver = await drive({ timeZone: 'Europe/Berlin', partitions: 3 });
      for (let from = 0; from < all.length; from += 7) {
        await tell(driver, ...all.slice(from, from + 7));
        if (from % 3 === 1) await driver.restart();
      }
      expect(cells(driver, 'month')).toEqual(bruteForce(all, 'month'));
      expect(cells(driver, 'week')).toEqual(bruteForce(all, 'week'));
    }),
    { numRuns: 60 },
  );
}, 60_000);
