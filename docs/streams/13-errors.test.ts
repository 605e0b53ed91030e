/**
 * # 13. What can go wrong with a record
 *
 * What is expected of a record is no exception: a step says `ok`, `drop`, `dead-letter`, `redirect` or `late`, and one
 * place carries it out. All that goes aside goes *alone*, in the transaction of the task: as it came, byte for byte, with
 * headers that say why and where it comes from. `millrace dlq` shows dead letters and sends them again.
 */
import { describe, expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic, type NodeContext } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { shopEvent } from '../../test/harness/shop-events.ts';
import { at } from './times-of-day.ts';

interface Order {
  readonly euros: number;
}

const orders = json<Order>();

/** Orders through a handler of one's own, and those that it passes on to `out`. */
async function start(handle: (order: Order, context: NodeContext) => Order | undefined) {
  const app = topology('shop');
  app
    .stream('orders', { codec: orders })
    .process<Order>('check', (context, emit) => (order, meta) => {
      const passed = handle(order, context);
      if (passed !== undefined) emit(passed, meta);
    })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  return {
    driver,
    order: (euros: number, key = 'order') => driver.send('orders', { euros }, { key, codec: orders }),
    passed: () => driver.read('out', orders).map(({ value }) => value?.euros),
    letters: () => driver.read('orders.dlq', orders),
  };
}

describe('a step says what became of a record', () => {
  test('drop: nothing to do with it, on purpose', async () => {
    const { driver, order, passed } = await start((value, context) => {
      if (value.euros > 0) return value;
      context.report({ kind: 'drop' });
      return undefined;
    });
    await order(0);
    await order(5);
    expect(passed()).toEqual([5]);
    // Records in = ok + dropped + duplicate + late + dead letters + redirected. The auditor holds this at run time.
    expect(driver.task('orders').counters).toMatchObject({ ok: 1, dropped: 1, deadLetter: 0 });
  });

  test('dead-letter: it cannot be processed; the code and the reason go along', async () => {
    const { order, letters } = await start((value, context) => {
      if (value.euros >= 0) return value;
      context.report({
        kind: 'dead-letter',
        code: 'MR_PROCESS_INVALID_EVENT',
        reason: 'an order brings no negative sum',
      });
      return undefined;
    });
    await order(5);
    await order(-5, 'order-7');
    const [letter] = letters();
    expect([letter?.key, letter?.value]).toEqual(['order-7', { euros: -5 }]);
    expect(letter?.headers).toEqual({
      'mr-code': 'MR_PROCESS_INVALID_EVENT',
      'mr-reason': 'an order brings no negative sum',
      'mr-step': 'process',
      'mr-subtopology': 'orders',
      'mr-attempt': '1',
      'mr-origin-topic': 'orders',
      'mr-origin-partition': '0',
      'mr-origin-offset': '1',
      'mr-origin-timestamp': '1767268800000',
      'mr-time': '2026-01-01T12:00:00.000Z',
    });
  });

  test('redirect: it belongs elsewhere, as it is', async () => {
    const { driver, order } = await start((value, context) => {
      if (value.euros < 1000) return value;
      context.report({ kind: 'redirect', topic: 'big-orders' });
      return undefined;
    });
    await order(5000, 'order-7');
    expect(driver.read('big-orders', orders)).toMatchObject([
      { key: 'order-7', value: { euros: 5000 }, headers: { 'mr-origin-topic': 'orders' } },
    ]);
  });
});

describe('a record that cannot be read', () => {
  test('goes to the dead letters with its bytes', async () => {
    const { driver, order, passed } = await start((value) => value);
    await driver.sendBytes('orders', Buffer.from('{"euros": 5'), { key: 'k' });
    await driver.sendBytes('orders', null, { key: 'k' });
    await order(7);
    // Its neighbours are not touched.
    expect(passed()).toEqual([7]);
    const letters = driver.kafka.recordsOf('orders.dlq');
    expect(letters.map(({ value }) => value?.toString())).toEqual(['{"euros": 5', undefined]);
    expect(letters.map(({ headers }) => [headers['mr-code'], headers['mr-reason']])).toEqual([
      // Of the error only its kind: the message of a parser may quote the value.
      ['MR_SCHEMA_DECODE', 'the value is no json, or its time cannot be read: SyntaxError'],
      ['MR_SCHEMA_DECODE', 'the record has no value'],
    ]);
  });
});

describe('a step that throws', () => {
  test('costs its record alone, and nothing that it had done stands', async () => {
    let calls = 0;
    const app = topology('shop');
    app
      .stream('orders', { codec: orders })
      .process<number>('sum', (context, emit) => {
        const totals = context.store<number>('totals');
        return ({ euros }, meta) => {
          calls += 1;
          const total = (totals.get('all') ?? 0) + euros;
          totals.set('all', total);
          emit(total, meta);
          if (euros === 13) throw new RangeError('thirteen euros of a named customer');
        };
      })
      .to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    for (const euros of [1, 13, 2, 13, 3])
      await driver.send('orders', { euros }, { key: 'k', codec: orders });
    expect(driver.read('out', json()).map(({ value }) => value)).toEqual([1, 3, 6]);
    // The first time, its task goes back to its last commit and does the record again, with care; from then on a step
    // that throws is rolled back where it is.
    expect(calls).toBe(6);
    const [letter] = driver.read('orders.dlq', orders);
    expect(letter?.headers['mr-code']).toBe('MR_PROCESS_STEP_FAILED');
    // The line that threw, and not the message, which may quote the record.
    expect(letter?.headers['mr-reason']).toMatch(
      /^step orders threw RangeError at .*13-errors\.test\.ts:\d+$/,
    );
  });

  test('on most records is broken: its task ends instead of emptying the topic into the dead letters', async () => {
    const { driver } = await start((value) => {
      if (value.euros >= 0) throw new Error('not yet written');
      return value;
    });
    const all = async () => {
      for (let n = 0; n < 600; n++)
        driver.kafka.append({
          topic: 'orders',
          key: 'k',
          value: orders.encode({ euros: n }),
          timestampMs: driver.now(),
        });
      await driver.advanceClock(1);
    };
    await expect(all()).rejects.toMatchObject({ code: 'MR_PROCESS_STEPS_FAILING' });
  });

  test('where no record is at hand, in a timer or behind a window that closes, costs that alone', async () => {
    // What it had said first goes to the dead letters of the first topic that its tasks read, as JSON: there is no record
    // to send again. `mr-cause` tells it from the others.
    const app = topology('shop');
    app
      .stream('orders', { codec: orders })
      .process<string>('remind', (context, emit) => {
        const timers = context.clockTimers('reminders', (key, dueMs) => {
          emit(`remind ${key}`, { key, eventTimeMs: dueMs, ingestTimeMs: dueMs, position: undefined });
        });
        return (_, { key }) => {
          if (key !== null) timers.set(key, context.now() + 1000);
        };
      })
      .map((text) => {
        if (text === 'remind order-7') throw new Error('nobody to remind');
        return text;
      })
      .to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    for (const key of ['order-6', 'order-7', 'order-8'])
      await driver.send('orders', { euros: 1 }, { key, codec: orders });
    await driver.advanceClock(1000);
    expect(driver.read('out', json()).map(({ value }) => value)).toEqual([
      'remind order-6',
      'remind order-8',
    ]);
    const [letter] = driver.read('orders.dlq', json<string>());
    expect([letter?.key, letter?.value, letter?.headers['mr-cause']]).toEqual([
      'order-7',
      'remind order-7',
      'time',
    ]);
    expect(driver.task('orders').counters).toMatchObject({ deadResult: 1, deadLetter: 0 });
  });

  // A step that never returns is seen by a thread of its own, which ends the process; the next start passes the record
  // over: processors/runtime/task/step-watch.embedded.test.ts.
});

test('an event from outside counts once, however often it is sent', async () => {
  // `deduplicated` remembers the eventIds of 24 hours as a part of the state.
  const clickstream = SHOP_TOPICS.clickstream.name;
  const app = topology('shop');
  app.events(clickstream, { deduplicated: true }).aggregate('clicks', count()).to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  const click = shopEvent('PageViewed', { eventTime: at('11:59:00') });
  await driver.events(clickstream, [click, click], ({ anonymousId }) => anonymousId);
  await driver.restart();
  await driver.events(clickstream, [click], ({ anonymousId }) => anonymousId);
  expect(driver.read('out', json()).map(({ value }) => value)).toEqual([1]);
  // A start begins the counters anew.
  expect(driver.task('clickstream').counters).toMatchObject({ ok: 0, duplicate: 1 });
});
