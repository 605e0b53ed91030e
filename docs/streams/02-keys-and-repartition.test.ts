/**
 * # 2. Keys, tasks and repartitioning
 *
 * A topic has partitions; records of one key are in one of them. A *task* owns one partition of every topic that its
 * sub-topology reads, and the state for the keys in it. So state by a key is right only where equal keys meet in one
 * task. When a key is changed, the engine brings equal keys together through a topic of its own, as Kafka Streams does.
 */
import { describe, expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { at } from './times-of-day.ts';

interface View {
  readonly item: string;
  readonly country?: string;
}

const views = json<View>();
const source = (app: ReturnType<typeof topology>) => app.stream('views', { codec: views });

describe('a changed key', () => {
  /** Views are keyed by device; here they are counted by item. */
  function viewsByItem() {
    const app = topology('shop');
    source(app)
      .keyBy((view) => view.item)
      .aggregate('views-by-item', count())
      .to(toTopic('item-views'));
    return app.build();
  }

  test('cuts the topology in two, with a repartition topic between them', () => {
    expect(viewsByItem().describe()).toBe(`Topology shop
  Sub-topology views
    views (json) → #1
    #1 key by a function → #2
    #2 repartition views-by-item → millrace.repartition.shop.views-by-item
  Sub-topology views-by-item
    millrace.repartition.shop.views-by-item (json, carries watermarks) → #3
    #3 aggregate views-by-item → #4
    #4 topic item-views`);
  });

  test('brings equal keys together, whatever partition they came from', async () => {
    const driver = await driveTopology(viewsByItem(), { startMs: at('12:00:00'), partitions: 4 });
    for (let device = 0; device < 8; device++)
      await driver.send('views', { item: 'shoes' }, { key: `device-${device}`, codec: views });
    expect(driver.kafka.recordsOf('views').map(({ partition }) => partition)).toSatisfy(
      (partitions: number[]) => new Set(partitions).size > 1,
    );
    // One task has seen all of them: the count rises to 8 without a gap.
    const counts = driver.read('item-views', json<number>());
    expect(counts.map(({ key, value }) => `${key} ${value}`)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `shoes ${n}`),
    );
  });

  test('is not brought together for what keeps no state: a sink takes it as it is', () => {
    const app = topology('shop');
    source(app)
      .keyBy((view) => view.item)
      .to(toTopic('views-by-item'));
    expect(app.build().subtopologies).toHaveLength(1);
  });

  test('that is null leaves the value out', async () => {
    const app = topology('shop');
    source(app)
      .keyBy((view) => view.country ?? null)
      .aggregate('by-country', count())
      .to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    await driver.send('views', { item: 'shoes', country: 'DE' }, { key: 'd', codec: views });
    await driver.send('views', { item: 'shoes' }, { key: 'd', codec: views });
    expect(driver.read('out', json()).map(({ key, value }) => [key, value])).toEqual([['DE', 1]]);
  });
});

test('one repartition serves everything behind it where it is named', () => {
  const app = topology('shop');
  const byItem = source(app)
    .keyBy((view) => view.item)
    // How values travel, and how many partitions the topic has, can be said here.
    .repartition('by-item', { codec: views, partitions: 8 });
  byItem.aggregate('a', count()).to(toTopic('a'));
  byItem.aggregate('b', count()).to(toTopic('b'));
  expect(app.build().subtopologies.map(({ name }) => name)).toEqual(['views', 'by-item']);
});

test('a field that is the key of its topic by contract needs no repartition', () => {
  // Topics of the registry (schemas/topics.ts) say what their key holds: orders are keyed by orderId.
  const app = topology('orders');
  app.events(SHOP_TOPICS.orders.name).keyBy('orderId').aggregate('seen', count()).to(toTopic('out'));
  expect(app.build().subtopologies).toHaveLength(1);
});

test('what can be added up later may be counted where it is', async () => {
  // Each task counts its own part, and says so under a key of its own; whoever reads the results adds the parts. That
  // saves a way through Kafka, and spreads a hot key over all tasks.
  const app = topology('shop');
  source(app)
    .keyLocallyBy((view) => view.item)
    .aggregate('parts', count())
    .to(toTopic('parts'));
  const made = app.build();
  expect(made.subtopologies).toHaveLength(1);

  const driver = await driveTopology(made, { startMs: at('12:00:00'), partitions: 2 });
  for (const partition of [0, 1, 1])
    await driver.send('views', { item: 'shoes' }, { key: 'any', partition, codec: views });
  expect(driver.read('parts', json<number>()).map(({ value }) => value)).toEqual([1, 1, 2]);
});

test('streams of several topics meet in one task when they are merged', async () => {
  const app = topology('shop');
  const web = source(app);
  const phone = app.stream('app-views', { codec: views });
  web.merge(phone).aggregate('all', count()).to(toTopic('out'));
  const made = app.build();
  // One sub-topology reads both; its topics must have equal partition counts (chapter 15).
  expect(made.subtopologies.map(({ inputs }) => inputs.map(({ topic }) => topic))).toEqual([
    ['views', 'app-views'],
  ]);
  const driver = await driveTopology(made, { startMs: at('12:00:00') });
  await driver.send('views', { item: 'a' }, { key: 'device-1', codec: views });
  await driver.send('app-views', { item: 'b' }, { key: 'device-1', codec: views });
  expect(driver.read('out', json()).map(({ key, value }) => [key, value])).toEqual([
    ['device-1', 1],
    ['device-1', 2],
  ]);
});

test('a record without a key is a dead letter where state is kept by the key', async () => {
  const app = topology('shop');
  source(app).aggregate('by-device', count()).to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  await driver.send('views', { item: 'shoes' }, { key: null, codec: views });
  expect(driver.read('views.dlq', views).map(({ headers }) => headers['mr-code'])).toEqual([
    'MR_PROCESS_NULL_KEY',
  ]);
});
