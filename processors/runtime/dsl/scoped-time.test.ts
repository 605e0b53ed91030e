import { expect, test } from 'vitest';
import { SHOP_TOPICS } from '../../../schemas/topics.ts';
import { orderOf, scanOf, T0 } from '../../../test/harness/shop-events.ts';
import { count } from '../aggregates/index.ts';
import { json } from '../codec.ts';
import { driveTopology, type TopologyDriver } from '../testing/topology-driver.ts';
import { onClose, tumbling } from '../windows/index.ts';
import { isOneOf, topology, toTopic, toWindowTable, type Stream } from './index.ts';

const ORDERS = SHOP_TOPICS.orders.name;
const SCANS = SHOP_TOPICS.shipments.name;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Counts a stream by minute; says so when a minute closes, under the name of the count. */
function countMinutes<V>(stream: Stream<V>, name: string): void {
  stream
    .window(tumbling({ sizeMs: MINUTE_MS }))
    .aggregate(name, count(), onClose())
    .to(toWindowTable(name, ({ windowStartMs, value, reason }) => ({ windowStartMs, value, reason })));
}

/** One sub-topology that counts orders, scans, and both together, and orders once more by their buyers. */
function ordersAndScans() {
  const app = topology('demo');
  const orders = app.events(ORDERS, { subtopology: 'both' }).filter(isOneOf('OrderPlaced'));
  const scans = app.events(SCANS, { subtopology: 'both' });
  countMinutes(orders, 'orders');
  countMinutes(scans, 'scans');
  countMinutes(orders.merge(scans), 'all');
  countMinutes(
    orders.keyBy((order) => order.buyerId),
    'buyers',
  );
  return app.build();
}

/** An order and a scan, one behind the other in the log; the parcel was scanned an hour before. */
async function sendBoth(driver: TopologyDriver, atMs: number, scanLagMs: number): Promise<void> {
  await driver.events(ORDERS, [orderOf(`o${atMs}`, atMs)], () => 'k');
  const scan = scanOf('p', atMs - scanLagMs, { ingestTime: atMs });
  await driver.events(SCANS, [scan], () => 'k');
}

const minutesOf = (driver: TopologyDriver, table: string) =>
  driver.rows(table).map((row) => [Number(row['windowStartMs']) - T0, row['value'], row['reason']] as const);

test('a part of a task waits for the inputs that reach it, and for no others', async () => {
  const driver = await driveTopology(ordersAndScans(), { startMs: T0 });
  for (let minute = 0; minute < 4; minute++) {
    await sendBoth(driver, T0 + minute * MINUTE_MS, HOUR_MS);
    await driver.advanceClock(1000);
  }
  const closed = [0, 1, 2].map((minute) => [minute * MINUTE_MS, 1, 'watermark']);
  expect(minutesOf(driver, 'orders')).toEqual(closed);
  expect(minutesOf(driver, 'scans')).toEqual(
    closed.map(([start, ...rest]) => [Number(start) - HOUR_MS, ...rest]),
  );
  // What both reach is as late as the later one.
  expect(minutesOf(driver, 'all')).toEqual(minutesOf(driver, 'scans'));
});

test('a repartition topic carries the time of the inputs that reach it', async () => {
  const driver = await driveTopology(ordersAndScans(), { startMs: T0 });
  for (let minute = 0; minute < 4; minute++) await sendBoth(driver, T0 + minute * MINUTE_MS, HOUR_MS);
  expect(minutesOf(driver, 'buyers')).toEqual(
    [0, 1, 2].map((minute) => [minute * MINUTE_MS, 1, 'watermark']),
  );
});

test('a topic that several parts write carries the time of the one that is furthest behind', async () => {
  const app = topology('demo');
  const numbers = json<number>();
  const fast = app.stream('fast', { codec: numbers, eventTimeOf: (n) => n, subtopology: 'writes' });
  const slow = app.stream('slow', { codec: numbers, eventTimeOf: (n) => n, subtopology: 'writes' });
  // The slow one first and last, so that neither the first nor the last mark of a commit decides.
  for (const stream of [slow, fast, slow]) stream.to(toTopic('both', numbers));
  countMinutes(app.stream('both', { codec: numbers, subtopology: 'reads' }), 'minutes');
  const driver = await driveTopology(app.build(), { startMs: T0 });
  for (let minute = 0; minute < 4; minute++) {
    await driver.send('fast', T0 + minute * MINUTE_MS, { key: 'k', codec: numbers });
    await driver.send('slow', T0 - HOUR_MS + minute * MINUTE_MS, { key: 'k', codec: numbers });
  }
  expect(driver.kafka.recordsOf('both.late')).toEqual([]);
  expect(minutesOf(driver, 'minutes')).toEqual(
    [0, 1, 2].map((minute) => [minute * MINUTE_MS - HOUR_MS, 2, 'watermark']),
  );
});

test('each part goes on from its own time after a crash, and what it has closed stays closed', async () => {
  const driver = await driveTopology(ordersAndScans(), { startMs: T0 });
  await sendBoth(driver, T0, HOUR_MS);
  await sendBoth(driver, T0 + MINUTE_MS, HOUR_MS);
  await driver.restart();
  await driver.events(ORDERS, [orderOf('late', T0 + 1)], () => 'k');
  await sendBoth(driver, T0 + 2 * MINUTE_MS, HOUR_MS);
  expect(minutesOf(driver, 'orders')).toEqual([
    [0, 1, 'watermark'],
    [MINUTE_MS, 1, 'watermark'],
  ]);
  // By the time of the part: that of the whole task is an hour behind.
  const late = driver.kafka.recordsOf(`${ORDERS}.late`).map(({ headers }) => headers['mr-lateness-ms']);
  expect(late).toEqual(['0']);
});

test('a task that crashed before it had a watermark closes its windows though nothing more comes', async () => {
  const driver = await driveTopology(ordersAndScans(), { startMs: T0 });
  // The other input has not been silent for long enough: what both reach has no time yet.
  await driver.events(ORDERS, [orderOf('o', T0)], () => 'k');
  await driver.restart();
  await driver.advanceClock(2 * MINUTE_MS);
  expect(minutesOf(driver, 'all')).toEqual([[0, 1, 'idle']]);
  expect(minutesOf(driver, 'buyers')).toEqual([[0, 1, 'idle']]);
});
