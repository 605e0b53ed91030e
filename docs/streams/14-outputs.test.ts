/**
 * # 14. Where values go
 *
 * `to(sink)` ends a stream, or lets it go on. What a sink says reaches the outside with the next commit, in this order:
 * facts and online values, until ClickHouse and the online store have acknowledged them; then one Kafka transaction with
 * topics, changelog and positions; then the rows of window tables, which the transaction carries too. After a failure the
 * task starts from the last commit and says things again, maybe others than before:
 *
 * | sink | how it is said once |
 * |---|---|
 * | `toTopic`, `toEvents` | the transaction |
 * | `toFacts` | the row carries its place in the log |
 * | `toWindowTable` | absolute values; the highest version wins; only of transactions that were made |
 * | `toOnline` | absolute values that follow from the state; what a lost try left there is put right from it |
 */
import { describe, expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import {
  toEvents,
  toFacts,
  toOnline,
  topology,
  toTopic,
  toWindowTable,
  type Sink,
  type TopologyBuilder,
} from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { onUpdate, tumbling } from '../../processors/runtime/windows/index.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { shopEvent } from '../../test/harness/shop-events.ts';
import { at, clock } from './times-of-day.ts';

interface Order {
  readonly euros: number;
  readonly time: number;
}

const orders = json<Order>();
const ordersOf = (app: TopologyBuilder) =>
  app.stream('orders', { codec: orders, eventTimeOf: ({ time }) => time });

async function start(add: (app: TopologyBuilder) => void) {
  const app = topology('shop');
  add(app);
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  return {
    driver,
    order: (euros: number, time: string, key = 'ann') =>
      driver.send('orders', { euros, time: at(time) }, { key, codec: orders }),
  };
}

describe('topics', () => {
  test('take any values, under the key of the stream; null deletes a key of a compacted topic', async () => {
    const { driver, order } = await start(
      (app) =>
        void ordersOf(app)
          .map(({ euros }) => (euros === 0 ? null : euros))
          .to(toTopic<number>('latest')),
    );
    await order(5, '10:00:00');
    await order(0, '10:00:01');
    expect(driver.read('latest', json()).map(({ key, value }) => [key, value])).toEqual([
      ['ann', 5],
      ['ann', null],
    ]);
    // The event time goes along in a header, for whoever reads the topic with this engine.
    expect(driver.kafka.recordsOf('latest')[0]?.headers).toEqual({ 'mr-event-time': String(at('10:00:00')) });
  });

  test('of events take what the registry has for them: the compiler checks it', async () => {
    const { driver, order } = await start(
      (app) =>
        void ordersOf(app)
          .map(({ euros, time }) =>
            shopEvent('AlertRaised', {
              entityId: 'ann',
              summary: `an order of ${euros} euros`,
              eventTime: time,
            }),
          )
          .to(toEvents(SHOP_TOPICS.alerts.name, ({ entityId }) => entityId)),
    );
    await order(5000, '10:00:00');
    expect(driver.readEvents(SHOP_TOPICS.alerts.name)).toMatchObject([
      { type: 'AlertRaised', entityId: 'ann', summary: 'an order of 5000 euros' },
    ]);
  });
});

describe('tables of ClickHouse', () => {
  test('facts: a row for each record, with its place in the log', async () => {
    const { driver, order } = await start(
      (app) => void ordersOf(app).to(toFacts('orders', ({ euros }, { key }) => ({ buyer: key, euros }))),
    );
    await order(5, '10:00:00');
    await order(7, '10:00:01', 'bob');
    expect(driver.rows('orders')).toEqual([
      { buyer: 'ann', euros: 5, _topic: 'orders', _partition: 0, _offset: 0, _ordinal: 0 },
      { buyer: 'bob', euros: 7, _topic: 'orders', _partition: 0, _offset: 1, _ordinal: 0 },
    ]);
  });

  test('results of windows: versions rise with each emission, and above all of the past with each start', async () => {
    const { driver, order } = await start(
      (app) =>
        void ordersOf(app)
          .window(tumbling({ sizeMs: 60_000 }))
          .aggregate('by-minute', count(), onUpdate())
          .to(
            toWindowTable('orders_minute', ({ key, windowStartMs, value, reason }) =>
              // Null writes nothing.
              reason === 'retraction' ? null : { from: clock(windowStartMs), buyer: key, orders: value },
            ),
          ),
    );
    await order(5, '10:00:00');
    await order(5, '10:00:01');
    await driver.restart();
    await order(5, '10:00:02');
    const rows = driver.rows('orders_minute');
    expect(rows.map(({ from, buyer, orders: n, partition }) => ({ from, buyer, n, partition }))).toEqual(
      [1, 2, 3].map((n) => ({ from: '10:00:00', buyer: 'ann', n, partition: 0 })),
    );
    // taskEpoch · 2^40 + emission: the epoch rises with each start, so that a task that was fenced always loses.
    const versions = rows.map(({ version }) => Number(version));
    expect(versions.map((version) => Math.floor(version / 2 ** 40))).toEqual([1, 1, 2]);
    expect(versions[1]! - versions[0]!).toBeGreaterThan(0);
  });
});

test('the online store gets absolute values by key', async () => {
  const { driver, order } = await start(
    (app) =>
      void ordersOf(app)
        .aggregate('orders', count())
        .to(
          toOnline('orders of a buyer', (n, { key }) => ({
            key: `orders:${key}`,
            value: String(n),
            ttlMs: 86_400_000,
          })),
        ),
  );
  await order(5, '10:00:00');
  await order(5, '10:00:01');
  expect(driver.online('orders:ann')).toBe('2');
});

test('a sink is a value, too: a label, and what to do for a task', async () => {
  const shout = (topic: string): Sink<Order> => ({
    label: `shouts to ${topic}`,
    topic,
    codec: json<string>() as never,
    open:
      ({ outputs }) =>
      ({ euros }, { key, eventTimeMs, ingestTimeMs }) =>
        outputs.record(topic, { key, value: json().encode(`${euros}!`), eventTimeMs, ingestTimeMs }),
  });
  const { driver, order } = await start((app) => void ordersOf(app).to(shout('out')));
  await order(5, '10:00:00');
  expect(driver.read('out', json()).map(({ value }) => value)).toEqual(['5!']);
});
