/**
 * # 11. process(): stores and timers
 *
 * What the DSL does not say is a handler of your own: Kafka Streams' Processor API, Flink's KeyedProcessFunction. It is
 * made once for each task and gets a context with
 *
 * - `store(name)`: keyed state with a changelog (chapter 12);
 * - `timers(name, onDue)`: by event time, fired by the watermark;
 * - `clockTimers(name, onDue)`: by the clock, fired also while nothing comes, and after a restart if due meanwhile;
 * - `outputs`: topics, tables and the online store; `report`: what became of the record (chapter 13).
 *
 * A timer belongs to a key; setting it again moves it. Timers are state: they come back after a restart.
 */
import { describe, expect, test } from 'vitest';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { memoryKafka } from '../../processors/runtime/testing/memory-kafka.ts';
import { driveTask } from '../../processors/runtime/testing/task-driver.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { at, clock } from './times-of-day.ts';

interface CartChange {
  readonly pieces: number;
  readonly time: number;
}

const changes = json<CartChange>();

/** Says which carts hold something and were not touched for half an hour. */
function abandonedCarts() {
  const app = topology('carts');
  app
    .stream('cart', { codec: changes, eventTimeOf: ({ time }) => time })
    .process<{ pieces: number; since: string }>('abandoned', (context, emit) => {
      const pieces = context.store<number>('pieces');
      const silence = context.timers('silence', (visitor, dueMs) => {
        const since = clock(dueMs - 1_800_000);
        // What is emitted goes on to what follows in the topology.
        emit(
          { pieces: pieces.get(visitor) ?? 0, since },
          { key: visitor, eventTimeMs: dueMs, ingestTimeMs: context.now(), position: undefined },
        );
      });
      return (change, { key, eventTimeMs }) => {
        if (key === null) return;
        const now = (pieces.get(key) ?? 0) + change.pieces;
        pieces.set(key, now);
        if (now > 0) silence.set(key, eventTimeMs + 1_800_000);
        else silence.cancel(key);
      };
    })
    .to(toTopic('out'));
  return app.build();
}

async function startCarts() {
  const driver = await driveTopology(abandonedCarts(), { startMs: at('20:00:00') });
  return {
    driver,
    put: (visitor: string, pieces: number, time: string) =>
      driver.send('cart', { pieces, time: at(time) }, { key: visitor, codec: changes }),
    said: () => driver.read('out', json<{ since: string }>()).map(({ key, value }) => [key, value]),
  };
}

describe('a timer by event time', () => {
  test('fires when the watermark reaches it, the earliest first', async () => {
    const { put, said } = await startCarts();
    await put('ann', 2, '10:00:00');
    await put('bob', 1, '10:05:00');
    // Ann comes back: her timer moves.
    await put('ann', 1, '10:20:00');
    // Cy puts something in and takes it out again: no timer.
    await put('cy', 1, '10:21:00');
    await put('cy', -1, '10:22:00');
    expect(said()).toEqual([]);
    await put('dora', 1, '11:00:00');
    expect(said()).toEqual([
      ['bob', { pieces: 1, since: '10:05:00' }],
      ['ann', { pieces: 3, since: '10:20:00' }],
    ]);
  });

  test('fires on silent topics too, since the watermark then follows the clock', async () => {
    const { driver, put, said } = await startCarts();
    await put('ann', 2, '10:00:00');
    await driver.advanceClock(1_800_000);
    expect(said()).toEqual([]);
    await driver.advanceClock(5000);
    expect(said()).toEqual([['ann', { pieces: 2, since: '10:00:00' }]]);
  });

  test('comes back after a restart', async () => {
    const { driver, put, said } = await startCarts();
    await put('ann', 2, '10:00:00');
    await driver.restart();
    await put('bob', 1, '10:30:00');
    expect(said()).toEqual([['ann', { pieces: 2, since: '10:00:00' }]]);
  });
});

test('a timer by the clock fires at its time, whatever event time does', async () => {
  const app = topology('poll');
  app
    .stream('orders', { codec: json<string>() })
    .process<string>('remind', (context, emit) => {
      const reminders = context.clockTimers('reminders', (key) =>
        emit(`look at ${key}`, {
          key,
          eventTimeMs: context.now(),
          ingestTimeMs: context.now(),
          position: undefined,
        }),
      );
      return (_, { key }) => {
        if (key !== null) reminders.set(key, context.now() + 60_000);
      };
    })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  await driver.send('orders', 'new', { key: 'order-1', codec: json<string>() });
  await driver.advanceClock(59_000);
  expect(driver.read('out', json())).toEqual([]);
  await driver.advanceClock(1000);
  expect(driver.read('out', json()).map(({ value }) => value)).toEqual(['look at order-1']);
});

test('a timer by the clock that came due while nothing ran fires at the next start', async () => {
  const app = topology('poll');
  app
    .stream('orders', { codec: json<string>() })
    .process<string>('remind', (context, emit) => {
      const reminders = context.clockTimers('reminders', (key, dueMs) =>
        emit(`due at ${clock(dueMs)}`, {
          key,
          eventTimeMs: dueMs,
          ingestTimeMs: context.now(),
          position: undefined,
        }),
      );
      return (_, { key }) => {
        if (key !== null) reminders.set(key, context.now() + 60_000);
      };
    })
    .to(toTopic('out'));
  const made = app.build();
  const kafka = memoryKafka();
  const before = await driveTask(made.subtopologies[0]!, { nowMs: at('12:00:00'), kafka });
  before.fetch('orders', {
    ...{ topic: 'orders', partition: 0, nextOffset: 1, endOffset: 1 },
    records: [
      {
        offset: 0,
        key: Buffer.from('order-1'),
        value: Buffer.from('"new"'),
        headers: {},
        timestampMs: at('12:00:00'),
      },
    ],
  });
  await before.commit();
  // Nothing runs for an hour.
  const after = await driveTask(made.subtopologies[0]!, { nowMs: at('13:00:00'), kafka });
  after.setNow(at('13:00:00'));
  await after.commit();
  expect(kafka.recordsOf('out').map(({ value }) => value?.toString())).toEqual(['"due at 12:01:00"']);
});

test('a timer that sets itself again is a schedule: what Kafka Streams calls a punctuation', async () => {
  const app = topology('beat');
  app
    .stream('starts', { codec: json<string>() })
    .process<string>('beat', (context, emit) => {
      const beats = context.clockTimers('beats', (key, dueMs) => {
        beats.set(key, dueMs + 10_000);
        emit(clock(dueMs), { key, eventTimeMs: dueMs, ingestTimeMs: context.now(), position: undefined });
      });
      return (_, { key }) => {
        if (key !== null && beats.dueMs(key) === undefined) beats.set(key, context.now() + 10_000);
      };
    })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  await driver.send('starts', 'go', { key: 'beat', codec: json<string>() });
  await driver.advanceClock(30_000);
  expect(driver.read('out', json()).map(({ value }) => value)).toEqual(['12:00:10', '12:00:20', '12:00:30']);
});

test('what is coalesced is handed out before each commit', async () => {
  // A handler may be an object: `beforeCommit` is the place for what was gathered over many records.
  const app = topology('gather');
  app
    .stream('words', { codec: json<string>() })
    .process<string>('lines', (context, emit) => {
      let words: string[] = [];
      return {
        process: (word) => void words.push(word),
        beforeCommit: () => {
          if (words.length === 0) return;
          const meta = {
            key: 'line',
            eventTimeMs: context.now(),
            ingestTimeMs: context.now(),
            position: undefined,
          };
          emit(words.join(' '), meta);
          words = [];
        },
      };
    })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  const words = json<string>();
  for (const word of ['one', 'commit'])
    driver.kafka.append({ topic: 'words', key: 'k', value: words.encode(word), timestampMs: driver.now() });
  await driver.send('words', 'each', { key: 'k', codec: words });
  expect(driver.read('out', words).map(({ value }) => value)).toEqual(['one commit each']);
});

test('a handler that goes on under the key that it was given may say so, and saves a repartition', () => {
  const subtopologies = (keepsKeys: boolean) => {
    const app = topology('keys');
    app
      .stream('cart', { codec: changes })
      .process<number>(
        'pass',
        (_, emit) =>
          ({ pieces }, meta) =>
            emit(pieces, meta),
        { keepsKeys },
      )
      .toTable('latest')
      .to(toTopic('out'));
    return app.build().subtopologies.map(({ name }) => name);
  };
  expect(subtopologies(false)).toEqual(['cart', 'latest']);
  expect(subtopologies(true)).toEqual(['cart']);
});
