import { describe, expect, test } from 'vitest';
import { SHOP_TOPICS } from '../../../schemas/topics.ts';
import { shopEvent, T0, viewOf } from '../../../test/harness/shop-events.ts';
import { count, distinct, sum } from '../aggregates/index.ts';
import { json } from '../codec.ts';
import { driveTopology } from '../testing/topology-driver.ts';
import { onClose, onUpdate, tumbling } from '../windows/index.ts';
import { isOneOf, toFacts, topology, toTopic, toWindowTable } from './index.ts';

const CLICKS = SHOP_TOPICS.clickstream.name;
const ORDERS = SHOP_TOPICS.orders.name;
const MINUTE_MS = 60_000;
const byDevice = (event: { anonymousId: string }) => event.anonymousId;

function viewsByItem() {
  const app = topology('demo');
  const views = app.events(CLICKS, { deduplicated: true }).filter(isOneOf('ProductViewed'));
  views.to(toFacts('clicks', ({ eventId, itemId }) => ({ event_id: eventId, item_id: itemId })));
  views
    .keyBy((view) => view.itemId)
    .window(tumbling({ sizeMs: MINUTE_MS, graceMs: 10_000 }))
    .aggregate('views-by-item', { views: count(), devices: distinct((view) => view.anonymousId) }, onUpdate())
    .to(
      toWindowTable('item_minute', ({ key, windowStartMs, value, reason }) => ({
        window_start: windowStartMs,
        item_id: key,
        views: value.views,
        devices: value.devices,
        reason,
      })),
    );
  return app.build();
}

describe('a stream that changes its key', () => {
  test('goes through a repartition topic, so that equal keys meet in one task', async () => {
    const driver = await driveTopology(viewsByItem(), { startMs: T0, partitions: 4 });
    const views = Array.from({ length: 40 }, (_, n) =>
      viewOf(`item-${n % 3}`, T0 + n * 100, { anonymousId: `device-${n % 10}` }),
    );
    await driver.events(CLICKS, views, byDevice);
    expect(driver.rows('clicks')).toHaveLength(40);
    const latest = new Map(driver.rows('item_minute').map((row) => [row['item_id'], row]));
    expect([...latest.values()].map((row) => [row['item_id'], row['views'], row['devices']]).sort()).toEqual([
      ['item-0', 14, 10],
      ['item-1', 13, 10],
      ['item-2', 13, 10],
    ]);
  });

  test('closes its windows by the watermarks of the tasks before it, one of four partitions idle from the start', async () => {
    const driver = await driveTopology(viewsByItem(), { startMs: T0, partitions: 4 });
    const devices = Array.from({ length: 30 }, (_, n) => `device-${n}`);
    await driver.events(
      CLICKS,
      devices.map((anonymousId) => viewOf('a', T0 + 1000, { anonymousId })),
      byDevice,
    );
    const reasons = () => driver.rows('item_minute').map((row) => row['reason']);
    expect(new Set(reasons())).toEqual(new Set(['update']));
    await driver.advanceClock(MINUTE_MS + 20_000);
    expect(reasons().filter((reason) => reason !== 'update')).toHaveLength(1);
    expect(driver.rows('item_minute').at(-1)).toMatchObject({ item_id: 'a', views: 30 });
  });

  test('a crash between tasks loses and doubles nothing', async () => {
    const driver = await driveTopology(viewsByItem(), { startMs: T0, partitions: 2 });
    for (let n = 0; n < 30; n++) {
      await driver.events(CLICKS, [viewOf('a', T0 + n, { anonymousId: `device-${n}` })], byDevice);
      if (n % 7 === 3) await driver.restart();
    }
    expect(driver.rows('item_minute').at(-1)).toMatchObject({ item_id: 'a', views: 30, devices: 30 });
  });
});

test('a window over the results of a window takes those that the first says when it closes', async () => {
  const app = topology('twice');
  app
    .events(CLICKS)
    .filter(isOneOf('ProductViewed'))
    .window(tumbling({ sizeMs: MINUTE_MS, graceMs: 30_000 }))
    .aggregate('by-minute', count())
    .window(tumbling({ sizeMs: 2 * MINUTE_MS }))
    .aggregate('by-two-minutes', { views: sum((result) => result.value), minutes: count() }, onClose())
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: T0 });
  const at = (ms: number) => viewOf('a', T0 + ms, { anonymousId: 'd' });
  await driver.events(
    CLICKS,
    [at(1), at(61_000), at(59_000), at(119_000), at(150_000), at(290_000)],
    byDevice,
  );
  const out = driver.read('out', json<{ windowStartMs: number; value: unknown }>());
  expect(out.map(({ value }) => [(value?.windowStartMs ?? 0) - T0, value?.value])).toEqual([
    [0, { views: 4, minutes: 2 }],
    [120_000, { views: 1, minutes: 1 }],
  ]);
});

test('a field that is the key of the topic by its contract needs no repartition', () => {
  const app = topology('orders');
  app.events(ORDERS).keyBy('orderId').aggregate('orders-seen', count()).to(toTopic('out'));
  expect(app.build().subtopologies).toHaveLength(1);
  const other = topology('other');
  other
    .events(ORDERS)
    .keyBy((event) => event.type)
    .aggregate('orders-seen', count())
    .to(toTopic('out'));
  expect(other.build().subtopologies).toHaveLength(2);
});

test('streams of one topic share its tasks', () => {
  const app = topology('shared');
  app.events(CLICKS).aggregate('a', count()).to(toTopic('a'));
  app.events(CLICKS).aggregate('b', count()).to(toTopic('b'));
  expect(app.build().subtopologies.map(({ name, inputs }) => [name, inputs.length])).toEqual([
    ['clickstream', 1],
  ]);
});

describe('a record without a key', () => {
  test('goes to the dead letters where state is kept by the key of the topic', async () => {
    const app = topology('keys');
    app.events(CLICKS).aggregate('n', count()).to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: T0 });
    const { events } = await import('../codec.ts');
    await driver.send(CLICKS, shopEvent('PageViewed'), { key: null, codec: events });
    expect(driver.kafka.recordsOf(`${CLICKS}.dlq`).map(({ headers }) => headers['mr-code'])).toEqual([
      'MR_PROCESS_NULL_KEY',
    ]);
  });
});

describe('a topology that cannot be run is refused with all its faults', () => {
  test('names, types and circles', () => {
    const app = topology('faulty');
    app.events(CLICKS).aggregate('twice', count()).to(toTopic('millrace.x'));
    app.events(ORDERS, { subtopology: 'Bad Name' }).aggregate('twice', count());
    app.stream(ORDERS, { codec: json() });
    expect(() => app.build()).toThrow(
      expect.objectContaining({
        code: 'MR_TOPOLOGY_INVALID',
        message:
          'Topology faulty: shop.orders is read in two ways, with another codec; Bad Name is no name for a sub-topology; two nodes keep state under the name twice.',
      }) as Error,
    );
  });

  test('one that writes nothing', () => {
    const app = topology('silent');
    app.events(CLICKS).filter(() => true);
    expect(() => app.build()).toThrow(/it writes nothing/);
  });

  test('a topic that is read with another codec than it is written with, and a circle of topics', () => {
    const app = topology('circle');
    app
      .stream('a', { codec: json<number>() })
      .map((n) => n + 1)
      .to(toTopic('b'));
    app.stream('b', { codec: json<number>() }).to(toTopic('a'));
    expect(() => app.build()).toThrow(/its topics go in a circle: a → b → a/);
  });

  test('topics that do not exist, at the start', async () => {
    await expect(driveTopology(viewsByItem(), { startMs: T0, missing: [CLICKS] })).rejects.toMatchObject({
      code: 'MR_TOPOLOGY_UNKNOWN_TOPIC',
      message: 'There is no topic shop.clickstream.',
    });
    const app = topology('writes');
    app.events(CLICKS).to(toTopic('nowhere'));
    await expect(driveTopology(app.build(), { startMs: T0, missing: ['nowhere'] })).rejects.toMatchObject({
      code: 'MR_TOPOLOGY_UNKNOWN_TOPIC',
      message: 'There is no topic nowhere.',
    });
  });

  test('streams of two topologies that meet', () => {
    const clicks = topology('one').events(CLICKS);
    const others = topology('other').events(ORDERS);
    const join = { name: 'both', beforeMs: 1, afterMs: 1, with: () => 1 };
    for (const meet of [
      () => clicks.merge(others),
      () => clicks.join(others, join),
      () => clicks.joinTable(others.toTable('t'), join),
    ])
      expect(meet).toThrow(/with a stream of other/);
  });

  test('a join of keys that do not meet', () => {
    const app = topology('local');
    const table = app.eventTable(SHOP_TOPICS.catalog.name);
    const clicks = app.events(CLICKS).filter(isOneOf('ProductViewed')).keyLocallyBy('itemId');
    const join = { name: 'priced', with: () => 1 };
    for (const meet of [
      () => clicks.joinTable(table, join),
      () => clicks.joinAsOf(table, { ...join, historyMs: 1 }),
      () => clicks.join(app.events(ORDERS), { ...join, beforeMs: 1, afterMs: 1 }),
    ])
      expect(meet).toThrow(/the join priced: one side has keys of its task alone/);
  });

  test('bounds of joins that nothing can meet in', () => {
    const app = topology('bounds');
    const join = { name: 'empty', with: () => 1 };
    const clicks = app.events(CLICKS);
    expect(() => clicks.join(app.events(ORDERS), { ...join, beforeMs: 5, afterMs: -10 })).toThrow(
      'the join empty: the interval is empty',
    );
    expect(() => clicks.joinAsOf(clicks.toTable('t'), { ...join, historyMs: 5, graceMs: 10 })).toThrow(
      'the join empty: a grace of 10 ms is longer than the history of 5 ms',
    );
  });

  test('results of windows as facts, which stand at a place in the log', () => {
    const app = topology('facts');
    app
      .events(CLICKS)
      .window(tumbling({ sizeMs: MINUTE_MS }))
      .aggregate('by-minute', count())
      .filter(() => true)
      .to(toFacts('clicks', () => ({})));
    expect(() => app.build()).toThrow(/facts clicks are rows of records; the results of by-minute go to/);
  });

  test.each([
    ['a bound below one entry', { maxEntries: -3 }, 'maxEntries -3'],
    ['a time to live below nothing', { ttlMs: -1 }, 'ttlMs -1'],
    ['a time to live that is no number', { ttlMs: Number.NaN }, 'ttlMs NaN'],
    ['no version', { version: 0 }, 'version 0'],
  ])('a store with %s, when its tasks are made', async (_, options, fault) => {
    const app = topology('stores');
    app.events(CLICKS).process('keeps', (context) => {
      context.store('s', options);
      return () => undefined;
    });
    await expect(driveTopology(app.build(), { startMs: T0 })).rejects.toMatchObject({
      code: 'MR_TOPOLOGY_INVALID',
      message: expect.stringContaining(fault) as string,
    });
  });

  test('two stores of one name, when its tasks are made', async () => {
    const app = topology('stores');
    for (const name of ['one', 'two'])
      app.events(CLICKS).process(name, (context) => {
        context.store('same');
        return () => undefined;
      });
    await expect(driveTopology(app.build(), { startMs: T0 })).rejects.toMatchObject({
      code: 'MR_TOPOLOGY_INVALID',
      message: expect.stringContaining('the store same of clickstream-0 is declared twice') as string,
    });
  });
});

test('the key of a topic by its contract stays one behind a filter', () => {
  const app = topology('kept');
  app
    .events(ORDERS)
    .filter(isOneOf('OrderPlaced'))
    .keyBy('orderId')
    .aggregate('orders', count())
    .to(toTopic('out'));
  expect(app.build().subtopologies.map(({ name }) => name)).toEqual(['orders']);
});

test('is described as text and as a Mermaid flowchart', () => {
  const made = viewsByItem();
  expect(made.describe()).toBe(`Topology demo
  Sub-topology clickstream
    shop.clickstream (events, without duplicates) → #1
    #1 filter → #2, #3
    #2 facts clicks
    #3 key by a function → #4
    #4 repartition views-by-item → millrace.repartition.demo.views-by-item
  Sub-topology views-by-item
    millrace.repartition.demo.views-by-item (json, carries watermarks) → #5
    #5 tumbling(60000) views-by-item → #6
    #6 table item_minute`);
  expect(made.mermaid()).toBe(`flowchart LR
  t0(["shop.clickstream"])
  t1(["millrace.repartition.demo.views-by-item"])
  subgraph s0 ["clickstream"]
    n1["filter"]
    n2>"facts clicks"]
    n3["key by a function"]
    n4["repartition views-by-item"]
  end
  subgraph s1 ["views-by-item"]
    n5[("tumbling(60000) views-by-item")]
    n6>"table item_minute"]
  end
  t0 --> n1
  t1 --> n5
  n1 --> n2
  n1 --> n3
  n3 --> n4
  n4 --> t1
  n5 --> n6
`);
});
