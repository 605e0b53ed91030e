import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type {
  MillraceEvent,
  OrdersEvent,
  PaymentsEvent,
  ShipmentsEvent,
} from '../../schemas/generated/events.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { captureOf, orderOf, scanOf, shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { topology } from '../runtime/dsl/index.ts';
import { driveTopology, type TopologyDriver } from '../runtime/testing/topology-driver.ts';
import { shopCalendar } from '../shop-calendar.ts';
import { salesJob } from './sales.ts';

const { orders: ORDERS, payments: PAYMENTS, shipments: SHIPMENTS } = SHOP_TOPICS;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const GRACE_MS = 30_000;
/** Later than everything that happens; no clock moves time on before a test says so. */
const NOW = T0 + 3000 * HOUR_MS;

type SalesEvent = OrdersEvent | PaymentsEvent | ShipmentsEvent;
const at = (minutes: number) => T0 + minutes * MINUTE_MS;
const eur = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });
const byOrder = ({ orderId }: { readonly orderId: string }) => orderId;

function salesOnly(timeZone: string) {
  const app = topology('test');
  salesJob(app, { graceMs: GRACE_MS, timeZone });
  return app.build();
}
const drive = (options: { timeZone?: string; partitions?: number; outOfOrderMs?: number } = {}) =>
  driveTopology(salesOnly(options.timeZone ?? 'UTC'), { startMs: NOW, ...options });

const isPayment = (event: SalesEvent): event is PaymentsEvent => event.type.startsWith('Payment');
async function tell(driver: TopologyDriver, ...events: readonly SalesEvent[]): Promise<void> {
  for (const event of events) {
    if (isPayment(event)) await driver.events(PAYMENTS.name, [event], byOrder);
    else if (event.type === 'ShipmentScanned') await driver.events(SHIPMENTS.name, [event], byOrder);
    else await driver.events(ORDERS.name, [event as OrdersEvent], byOrder);
  }
}
/** All that the tasks of one partition read comes to a time. */
const until = (minutes: number): readonly SalesEvent[] => [
  shopEvent('OrderHeld', { eventTime: at(minutes) }),
  shopEvent('PaymentAuthorised', { eventTime: at(minutes) }),
  scanOf('p', at(minutes)),
];

const FIGURES = [
  'orders',
  'ordered_minor',
  'captured_payments',
  'captured_minor',
  'refunds',
  'refunded_minor',
  'charge_backs',
  'charged_back_minor',
  'failed_payments',
] as const;
type Figures = Record<(typeof FIGURES)[number], number>;

type Rows = ReturnType<TopologyDriver['rows']>;

/** What a view says: newest versions, added up over the partitions; zeros left out, and rows of nothing else. */
function sales(rows: Rows, window = 'window_start') {
  const newest = new Map<string, Rows[number]>();
  for (const row of rows) {
    const key = ['window_start', 'currency', 'channel', 'mode', 'partition'].map((column) => row[column]);
    const known = newest.get(JSON.stringify(key));
    if (Number(known?.['version'] ?? 0) < Number(row['version'])) newest.set(JSON.stringify(key), row);
  }
  const sums: Record<string, Partial<Figures>> = {};
  for (const row of newest.values()) {
    const place = [row[window], row['currency'], row['channel'], row['mode']].join(' ');
    const sum = (sums[place] ??= {});
    for (const figure of FIGURES)
      if (row[figure] !== 0) sum[figure] = (sum[figure] ?? 0) + Number(row[figure]);
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => Object.keys(sum).length > 0));
}
const minutes = (driver: TopologyDriver) => sales(driver.rows('channel_sales_minute'));
const days = (driver: TopologyDriver) => sales(driver.rows('channel_sales_day'), 'day');

/** The rows of a commit of which the transaction never comes. */
function prepareCommit(driver: TopologyDriver): Rows {
  const task = driver.task('orders');
  for (const { topic, fetchPosition } of task.queues)
    task.take(topic, driver.kafka.fetch({ topic, partition: 0 }, fetchPosition));
  task.run(Number.POSITIVE_INFINITY);
  return task.prepareCommit().results.get('channel_sales_minute') ?? [];
}

test('every figure belongs to the minute of its event, and to channel and mode of its order', async () => {
  const driver = await drive();
  const order = { orderId: 'o1', channel: 'live', mode: 'b2b' } as const;
  const money = (eventTime: number, amountMinor: number) => ({
    eventTime,
    orderId: 'o1',
    amount: eur(amountMinor),
  });
  await tell(
    driver,
    orderOf('o1', at(0), { ...order, total: eur(900) }),
    orderOf('o2', at(0), { total: { amountMinor: 70, currency: 'JPY' } }),
    shopEvent('PaymentFailed', money(at(0), 900)),
    shopEvent('PaymentAuthorised', money(at(1), 900)),
    captureOf('p', at(1), { orderId: 'o1', amount: eur(900) }),
    shopEvent('PaymentRefunded', money(at(2), 100)),
    shopEvent('PaymentRefunded', money(at(2), 50)),
    shopEvent('PaymentChargedBack', money(at(3), 750)),
    shopEvent('OrderCancelled', { orderId: 'o1', eventTime: at(3) }),
  );
  expect(minutes(driver)).toEqual({
    [`${at(0)} EUR live b2b`]: { orders: 1, ordered_minor: 900, failed_payments: 1 },
    [`${at(0)} JPY web b2c`]: { orders: 1, ordered_minor: 70 },
    [`${at(1)} EUR live b2b`]: { captured_payments: 1, captured_minor: 900 },
    [`${at(2)} EUR live b2b`]: { refunds: 2, refunded_minor: 150 },
    [`${at(3)} EUR live b2b`]: { charge_backs: 1, charged_back_minor: 750 },
  });
});

describe('a payment', () => {
  test('that comes before its order moves to its place with it, also after a restart, and counts at its own time', async () => {
    const driver = await drive();
    await tell(
      driver,
      captureOf('p', at(5), { amount: eur(900) }),
      captureOf('q', at(5), { amount: eur(50) }),
    );
    const without = { [`${at(5)} EUR  `]: { captured_payments: 2, captured_minor: 950 } };
    expect(minutes(driver)).toEqual(without);
    await driver.restart();
    await tell(driver, orderOf('order-1', at(4), { channel: 'app', total: eur(900) }));
    expect(minutes(driver)).toEqual({
      [`${at(4)} EUR app b2c`]: { orders: 1, ordered_minor: 900 },
      [`${at(5)} EUR app b2c`]: { captured_payments: 2, captured_minor: 950 },
    });
    expect(days(driver)).toEqual({
      '2026-01-01 EUR app b2c': {
        orders: 1,
        ordered_minor: 900,
        captured_payments: 2,
        captured_minor: 950,
      },
    });
  });

  test('moves after its minute has closed, as a correction, and the order is not late for it', async () => {
    const driver = await drive();
    await tell(driver, captureOf('p', at(5), { amount: eur(900) }), ...until(60));
    await tell(driver, orderOf('order-1', at(60), { channel: 'app', total: eur(900) }));
    expect(minutes(driver)).toMatchObject({ [`${at(5)} EUR app b2c`]: { captured_minor: 900 } });
    const moved = driver.rows('channel_sales_minute').filter((row) => row['window_start'] === at(5));
    expect(moved.slice(-2).map((row) => [row['channel'], row['captured_minor'], row['reason']])).toEqual([
      ['', 0, 'correction'],
      ['app', 900, 'correction'],
    ]);
    const late = driver.kafka.recordsOf(`${ORDERS.name}.late`);
    expect(late.filter(({ headers }) => headers['mr-cause'] !== 'time')).toEqual([]);
  });

  test('is one of so many that find their order; what is more stays without', async () => {
    const driver = await drive();
    const many = Array.from({ length: 130 }, (_, n) => captureOf(`p${n}`, at(5), { amount: eur(1) }));
    await driver.events(PAYMENTS.name, many, byOrder);
    await tell(driver, orderOf('order-1', at(5), { channel: 'app', total: eur(130) }));
    expect(minutes(driver)).toMatchObject({
      [`${at(5)} EUR  `]: { captured_payments: 30, captured_minor: 30 },
      [`${at(5)} EUR app b2c`]: { captured_payments: 100, captured_minor: 100 },
    });
  });

  test('whose order comes too late stays without channel and mode', async () => {
    const driver = await drive();
    await tell(driver, captureOf('p', at(5), { amount: eur(900) }), ...until(65));
    await tell(driver, orderOf('order-1', at(65), { channel: 'app', total: eur(900) }));
    expect(minutes(driver)).toMatchObject({ [`${at(5)} EUR  `]: { captured_minor: 900 } });
    expect(days(driver)).toMatchObject({ '2026-01-01 EUR  ': { captured_minor: 900 } });
  });

  test('is counted once where a crash comes between its row and the transaction', async () => {
    const driver = await drive();
    const capture = captureOf('p', at(5), { amount: eur(900) });
    const append = (topic: string, event: MillraceEvent) =>
      driver.kafka.append({
        topic,
        key: 'order-1',
        value: encodeEvent(event),
        timestampMs: event.ingestTime,
      });
    append(PAYMENTS.name, capture);
    const lost = prepareCommit(driver);
    expect(lost).toMatchObject([{ channel: '', captured_minor: 900 }]);
    append(ORDERS.name, orderOf('order-1', at(4), { channel: 'app', total: eur(900) }));
    await driver.restart();
    expect(sales([...lost, ...driver.rows('channel_sales_minute')])).toEqual({
      [`${at(4)} EUR app b2c`]: { orders: 1, ordered_minor: 900 },
      [`${at(5)} EUR app b2c`]: { captured_payments: 1, captured_minor: 900 },
    });
  });

  test('of an order from long ago still finds it', async () => {
    const driver = await drive();
    await tell(driver, orderOf('order-1', at(0), { channel: 'social' }), ...until(100 * 1440));
    const refund = shopEvent('PaymentRefunded', { amount: eur(5), eventTime: at(100 * 1440) });
    await tell(driver, refund);
    expect(minutes(driver)).toMatchObject({ [`${refund.eventTime} EUR social b2c`]: { refunds: 1 } });
  });
});

describe('days', () => {
  test('are those of the shop, also where its clocks are changed', async () => {
    const driver = await drive({ timeZone: 'Europe/Berlin', outOfOrderMs: 3000 * HOUR_MS });
    const order = (id: string, text: string) => orderOf(id, Date.parse(text), { total: eur(1) });
    await tell(
      driver,
      order('a', '2026-03-28T22:59:59.999Z'),
      order('b', '2026-03-28T23:00Z'),
      order('c', '2026-03-29T21:59:59.999Z'),
      order('d', '2026-03-29T22:00Z'),
    );
    await driver.advanceClock(HOUR_MS);
    expect(days(driver)).toEqual({
      '2026-03-28 EUR web b2c': { orders: 1, ordered_minor: 1 },
      '2026-03-29 EUR web b2c': { orders: 2, ordered_minor: 2 },
      '2026-03-30 EUR web b2c': { orders: 1, ordered_minor: 1 },
    });
    const first = driver.rows('channel_sales_day').find((row) => row['day'] === '2026-03-29');
    expect(first?.['window_start']).toBe(Date.parse('2026-03-28T23:00Z'));
  });

  test('go on where the shop moves to another time zone', async () => {
    const driver = await drive({ timeZone: 'UTC' });
    await tell(driver, orderOf('a', at(600), { total: eur(1) }));
    await driver.advanceClock(6000);
    await driver.restart(salesOnly('America/New_York'));
    await tell(driver, orderOf('b', at(601), { total: eur(1) }));
    await driver.advanceClock(6000);
    expect(days(driver)).toEqual({ '2026-01-01 EUR web b2c': { orders: 2, ordered_minor: 2 } });
  });
});

test('a late event corrects minute and day, and is told as late', async () => {
  const driver = await drive();
  await tell(driver, orderOf('a', at(0)), ...until(2), ...until(1500));
  await driver.advanceClock(6000);
  await tell(driver, orderOf('b', at(1439)));
  const rows = (table: string) =>
    driver.rows(table).map((row) => [row['window_start'], row['orders'], row['reason']]);
  expect(rows('channel_sales_minute').at(-1)).toEqual([at(1439), 1, 'correction']);
  expect(rows('channel_sales_day').at(-1)).toEqual([at(0), 2, 'correction']);
  const [late] = driver.kafka.recordsOf(`${ORDERS.name}.late`);
  expect(late).toBeDefined();
  await tell(driver, orderOf('c', at(0)));
  expect(rows('channel_sales_minute').at(-1)).toEqual([at(1439), 1, 'correction']);
  expect(rows('channel_sales_day').at(-1)).toEqual([at(0), 3, 'correction']);
});

const CHANNELS = ['web', 'app', 'live', 'social', 'content'] as const;
const MODES = ['b2c', 'c2c', 'b2b', 'b2g', 'crossBorder'] as const;

/** Orders with their payments: at any time around their order, before it too. */
const anyOrder = fc.record({
  minute: fc.integer({ min: 0, max: 4000 }),
  channel: fc.constantFrom(...CHANNELS),
  mode: fc.constantFrom(...MODES),
  currency: fc.constantFrom('EUR', 'JPY'),
  amountMinor: fc.integer({ min: 0, max: 2 ** 40 }),
  payments: fc.array(
    fc.record({
      type: fc.constantFrom('PaymentCaptured', 'PaymentFailed', 'PaymentRefunded', 'PaymentChargedBack'),
      minutes: fc.integer({ min: -3, max: 3000 }),
      amountMinor: fc.integer({ min: 0, max: 2 ** 40 }),
      currency: fc.constantFrom('EUR', 'USD'),
    }),
    { maxLength: 5 },
  ),
});

test('the parts of all tasks are the figures of all events, in any order of arrival and through crashes', async () => {
  const plan = fc
    .array(anyOrder, { minLength: 1, maxLength: 12 })
    .map((orders) =>
      orders.flatMap(({ minute, payments, amountMinor, currency, channel, mode }, n) => [
        {
          place: `${channel} ${mode}`,
          event: orderOf(`o${n}`, at(minute + 3), { channel, mode, total: { amountMinor, currency } }),
        },
        ...payments.map(({ type, minutes: after, amountMinor: amount, currency: paidIn }) => ({
          place: `${channel} ${mode}`,
          event: shopEvent(type, {
            orderId: `o${n}`,
            eventTime: at(minute + 3 + after),
            amount: { amountMinor: amount, currency: paidIn },
          }),
        })),
      ]),
    )
    .chain((told) => fc.shuffledSubarray(told, { minLength: told.length, maxLength: told.length }));
  const dayOf = shopCalendar('Asia/Tokyo');
  const COUNTS = {
    OrderPlaced: ['orders', 'ordered_minor'],
    PaymentCaptured: ['captured_payments', 'captured_minor'],
    PaymentRefunded: ['refunds', 'refunded_minor'],
    PaymentChargedBack: ['charge_backs', 'charged_back_minor'],
    PaymentFailed: ['failed_payments'],
  } as const;
  await fc.assert(
    fc.asyncProperty(plan, async (told) => {
      const driver = await drive({ timeZone: 'Asia/Tokyo', partitions: 2, outOfOrderMs: 5000 * HOUR_MS });
      for (const [n, { event }] of told.entries()) {
        await tell(driver, event);
        if (n % 11 === 6) await driver.restart();
      }
      await driver.advanceClock(6000);
      const byMinute: Record<string, Partial<Figures>> = {};
      const byDay: Record<string, Partial<Figures>> = {};
      for (const { event, place } of told) {
        const { amountMinor, currency } = event.type === 'OrderPlaced' ? event.total : event.amount;
        const minute = Math.floor(event.eventTime / MINUTE_MS) * MINUTE_MS;
        const [count, amount] = COUNTS[event.type];
        for (const sum of [
          (byMinute[`${minute} ${currency} ${place}`] ??= {}),
          (byDay[`${dayOf(event.eventTime).date} ${currency} ${place}`] ??= {}),
        ]) {
          sum[count] = (sum[count] ?? 0) + 1;
          if (amount !== undefined && amountMinor !== 0) sum[amount] = (sum[amount] ?? 0) + amountMinor;
        }
      }
      expect(minutes(driver)).toEqual(byMinute);
      expect(days(driver)).toEqual(byDay);
    }),
    { numRuns: 40 },
  );
}, 60_000);
