/**
 * # 15. Testing, and what is checked at the start
 *
 * Two drivers run the real engine, with state, changelog, transactions, watermarks and timers, over a log in memory and
 * with a clock that the test moves. They are what the TopologyTestDriver is in Kafka Streams, which runs one task of one
 * partition and does not restart.
 *
 * - `driveTopology`: all tasks of all partitions, through every repartition topic.
 * - `driveTask`: one task, fetch by fetch and commit by commit, to see what is in a commit and what a failure leaves.
 */
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../platform/errors.ts';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { events, json } from '../../processors/runtime/codec.ts';
import {
  isOneOf,
  toEvents,
  toFacts,
  topology,
  toTopic,
  type TopologyBuilder,
} from '../../processors/runtime/dsl/index.ts';
import { driveTask, subtopologyOf } from '../../processors/runtime/testing/task-driver.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import type { RecordBatch } from '../../platform/kafka/port.ts';
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { viewOf } from '../../test/harness/shop-events.ts';
import { at } from './times-of-day.ts';

const CLICKS = SHOP_TOPICS.clickstream.name;

function countViews(app: TopologyBuilder) {
  const views = app.events(CLICKS).filter(isOneOf('ProductViewed'));
  views.to(toFacts('views', ({ itemId }) => ({ itemId })));
  views
    .keyBy(({ itemId }) => itemId)
    .aggregate('by-item', count())
    .to(toTopic('item-views'));
}

describe('driveTopology', () => {
  test('restarts in the middle: the result must not know of it', async () => {
    const app = topology('shop');
    countViews(app);
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00'), partitions: 3 });
    for (let n = 0; n < 20; n++) {
      const view = viewOf('shoes', at('11:59:00') + n, { anonymousId: `device-${n}` });
      await driver.events(CLICKS, [view], ({ anonymousId }) => anonymousId);
      if (n % 5 === 4) await driver.restart();
    }
    expect(driver.read('item-views', json<number>()).map(({ value }) => value)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  test('shows each task: its watermark, its counters, its state', async () => {
    const app = topology('shop');
    countViews(app);
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    await driver.events(CLICKS, [viewOf('shoes', at('11:59:00'))], ({ anonymousId }) => anonymousId);
    expect(driver.task('clickstream').counters).toMatchObject({ ok: 1 });
    expect(driver.task('by-item').state.describe()).toMatchObject([{ store: 'by-item', entries: 1 }]);
    expect(() => driver.task('orders')).toThrow('no task orders-0; there are clickstream-0, by-item-0');
  });
});

/** A fetch of the whole of a partition that holds these events. */
function log(...views: readonly MillraceEvent[]): RecordBatch {
  const records = views.map((event, offset) => ({
    offset,
    key: Buffer.from('device-1'),
    value: encodeEvent(event),
    headers: {},
    timestampMs: event.ingestTime,
  }));
  return { topic: CLICKS, partition: 0, records, nextOffset: views.length, endOffset: views.length };
}

describe('driveTask', () => {
  test('shows what a commit holds, and that a failed one leaves nothing', async () => {
    const driver = await driveTask(subtopologyOf('clickstream', countViews), { nowMs: at('12:00:00') });
    driver.feed(CLICKS, [viewOf('shoes', at('11:59:00')), viewOf('hats', at('11:59:01'))]);
    // Nothing is outside before the commit.
    expect(driver.kafka.recordsOf('millrace.repartition.test.by-item')).toEqual([]);

    driver.kafka.failCommits(
      new MillraceError('MR_KAFKA_UNAVAILABLE', 'the broker is gone', { retryable: true }),
    );
    await expect(driver.commit()).rejects.toThrow('the broker is gone');
    driver.kafka.failCommits(undefined);

    // The successor starts from the last commit: it reads the same records, and says the same.
    const next = await driver.restart();
    expect(next.task.positions.get(CLICKS)).toBe(0);
    next.fetch(CLICKS, log(viewOf('shoes', at('11:59:00')), viewOf('hats', at('11:59:01'))));
    const rows = await next.commit();
    expect(rows.get('views')?.map(({ itemId, _offset }) => [itemId, _offset])).toEqual([
      ['shoes', 0],
      ['hats', 1],
    ]);
    const repartitioned = next.kafka.recordsOf('millrace.repartition.test.by-item');
    expect(
      repartitioned.filter(({ headers }) => !('mr-watermark' in headers)).map(({ key }) => String(key)),
    ).toEqual(['shoes', 'hats']);
  });
});

describe('a topology is checked when it is built', () => {
  test('by the compiler: values, fields of keys and events must fit', () => {
    const app = topology('types');
    const orders = app.stream('orders', { codec: json<{ id: string; euros: number }>() });
    // @ts-expect-error there is no such field
    orders.keyBy('buyer');
    // @ts-expect-error an order has no weight
    orders.filter((order) => order.weight > 3);
    // @ts-expect-error a topic of the registry takes its own events
    orders.to(toEvents(CLICKS));
    orders.to(toTopic('out'));
    expect(app.build().name).toBe('types');
  });

  test('with every fault in one error', () => {
    const app = topology('shop');
    const orders = app.stream('orders', { codec: json<number>() });
    orders.aggregate('total', count()).to(toTopic('a'));
    orders.aggregate('total', count()).to(toTopic('b'));
    app.stream('orders', { codec: events });
    app.retire('payments', 'old-store');
    expect(() => app.build()).toThrow(
      expect.objectContaining({
        code: 'MR_TOPOLOGY_INVALID',
        message:
          'Topology shop: orders is read in two ways, with another codec; two nodes keep state under the name total; ' +
          'stores of payments are retired, but there is no such sub-topology.',
      }) as Error,
    );
  });

  test('for topics that are written as one thing and read as another, and for circles', () => {
    const codecs = topology('codecs');
    codecs.stream('a', { codec: json<string>() }).to(toTopic('b'));
    codecs.stream('b', { codec: events }).to(toTopic('c'));
    expect(() => codecs.build()).toThrow('b is written as json and read as events');

    const circle = topology('circle');
    circle.stream('a', { codec: json<string>() }).to(toTopic('b'));
    circle.stream('b', { codec: json<string>() }).to(toTopic('a'));
    expect(() => circle.build()).toThrow('its topics go in a circle: a → b → a');
  });
});

describe('at the start, against the broker', () => {
  test('topics that do not exist are named', async () => {
    const app = topology('shop');
    countViews(app);
    await expect(
      driveTopology(app.build(), { startMs: at('12:00:00'), missing: [CLICKS] }),
    ).rejects.toMatchObject({
      code: 'MR_TOPOLOGY_UNKNOWN_TOPIC',
      message: 'There is no topic shop.clickstream.',
    });
  });

  test('the inputs of a sub-topology must have equal partition counts: equal keys meet in one task', async () => {
    const app = topology('shop');
    const a = app.stream('a', { codec: json<string>() });
    a.joinTable(app.table('b', { codec: json<string>() }), {
      name: 'both',
      with: (left, right) => left + right,
    }).to(toTopic('out'));
    const made = app.build();
    const driver = await driveTopology(made, { startMs: at('12:00:00'), partitions: 2 });
    await driver.kafka.admin.ensureTopics([{ topic: 'b', partitions: 3 }]);
    await expect(driver.restart()).rejects.toMatchObject({
      code: 'MR_KAFKA_TOPIC_MISMATCH',
      message: 'The inputs of a must exist with equal partition counts: a (2), b (3).',
    });
  });
});
