import { expect, test } from 'vitest';
import { count } from '../aggregates/index.ts';
import { json } from '../codec.ts';
import { driveTopology, type TopologyDriver } from '../testing/topology-driver.ts';
import { onClose, tumbling } from '../windows/index.ts';
import { topology, toTopic, type Stream } from './index.ts';

const T0 = Date.UTC(2026, 0, 1);
const SECOND_MS = 1000;
const numbers = json<number>();

/** A driver of one stream of numbers, and what it takes to send one. */
async function drive(add: (numbers: Stream<number>) => void) {
  const app = topology('demo');
  add(app.stream('in', { codec: numbers, eventTimeOf: (n) => T0 + n }));
  const driver = await driveTopology(app.build(), { startMs: T0 });
  const send = async (key: string, ...ms: readonly number[]) => {
    for (const n of ms) await driver.send('in', n, { key, codec: numbers });
  };
  return { driver, send };
}

const out = (driver: TopologyDriver) => driver.read('out', json()).map(({ key, value }) => [key, value]);

function aside(driver: TopologyDriver, topic: string) {
  return driver.read(topic, json()).map(({ key, value, headers }) => ({ key, value, headers }));
}

test('a step that throws on the result of one window costs this result alone, and it is kept', async () => {
  let throws = 0;
  const { driver, send } = await drive((stream) => {
    stream
      .window(tumbling({ sizeMs: SECOND_MS }))
      .aggregate('by-second', { n: count() }, onClose())
      .process<number>('sums', (context, emit) => {
        const sums = context.store<number>('sums');
        return ({ key, value }, meta) => {
          const sum = (sums.get('all') ?? 0) + value.n;
          sums.set('all', sum);
          emit(sum, meta);
          if (key !== 'bad') return;
          throws += 1;
          throw new RangeError('of a customer');
        };
      })
      .to(toTopic('out'));
  });
  await send('a', 1, 2);
  await send('bad', 3, 4, 5);
  await send('b', 6);
  await send('b', 2 * SECOND_MS);
  expect(out(driver)).toEqual([
    ['a', 2],
    ['b', 3],
  ]);
  // Once to find out, once with care.
  expect(throws).toBe(2);
  const [letter, ...others] = aside(driver, 'in.dlq');
  expect(others).toEqual([]);
  expect(letter).toMatchObject({ key: 'bad', value: { value: { n: 3 }, windowStartMs: T0 } });
  expect(letter?.headers).toMatchObject({
    'mr-code': 'MR_PROCESS_STEP_FAILED',
    'mr-cause': 'time',
    'mr-step': 'process',
    'mr-subtopology': 'in',
    'mr-event-time': String(T0 + SECOND_MS - 1),
  });
  expect(letter?.headers['mr-reason']).toMatch(/^step in threw RangeError at .*by-time\.test\.ts:\d+$/);
  expect(driver.task('in').counters).toMatchObject({ deadResult: 1, deadLetter: 0 });
});

test.each(['timers', 'clockTimers'] as const)(
  'one of the %s that throws is undone and put aside',
  async (kind) => {
    const { driver, send } = await drive((stream) => {
      stream
        .process<string>('remind', (context, emit) => {
          const reminded = context.store<number>('reminded');
          const timers = context[kind]('due', (key, dueMs) => {
            reminded.set(key, 1);
            emit(`remind ${key}`, { key, eventTimeMs: dueMs, ingestTimeMs: dueMs, position: undefined });
            if (key === 'bad') throw new Error('nobody to remind');
          });
          return (_, { key, eventTimeMs }) => {
            if (key !== null && !timers.dueMs(key)) timers.set(key, eventTimeMs + SECOND_MS);
          };
        })
        .to(toTopic('out'));
    });
    await send('a', 1);
    await send('bad', 2);
    await send('b', 3);
    await driver.advanceClock(60 * SECOND_MS);
    expect(out(driver)).toEqual([
      ['a', 'remind a'],
      ['b', 'remind b'],
    ]);
    expect(aside(driver, 'in.dlq')).toMatchObject([
      {
        key: 'bad',
        value: 'remind bad',
        headers: { 'mr-code': 'MR_PROCESS_STEP_FAILED', 'mr-cause': 'time' },
      },
    ]);
    // What it had written is gone, and it does not come due again.
    await driver.restart();
    await driver.advanceClock(60 * SECOND_MS);
    expect([out(driver), aside(driver, 'in.dlq')]).toEqual([[], []]);
  },
);

test('what a timer says too late for a window behind it goes to the late topic', async () => {
  const { driver, send } = await drive((stream) => {
    stream
      .process<number>(
        'old-news',
        (context, emit) => {
          const timers = context.timers('due', (key, dueMs) =>
            // Behind the watermark, and no holdMs that says so.
            emit(7, { key, eventTimeMs: dueMs - 5 * SECOND_MS, ingestTimeMs: dueMs, position: undefined }),
          );
          return (_, { key, eventTimeMs }) => {
            if (key !== null) timers.set(key, eventTimeMs);
          };
        },
        { keepsKeys: true },
      )
      .window(tumbling({ sizeMs: SECOND_MS }))
      .aggregate('by-second', { n: count() }, onClose())
      .to(toTopic('out'));
  });
  for (let second = 6; second < 9; second++) await send('k', second * SECOND_MS);
  const late = aside(driver, 'in.late');
  expect(late.length).toBeGreaterThan(0);
  expect(late[0]).toMatchObject({ key: 'k', value: 7, headers: { 'mr-cause': 'time' } });
  expect(driver.task('in').counters.lateResult).toBe(late.length);
  // Nothing is lost: each was counted, waits in an open window, or was put aside.
  await driver.advanceClock(60 * SECOND_MS);
  const counted = out(driver).reduce(
    (all, [, value]) => all + (value as { value: { n: number } }).value.n,
    0,
  );
  expect(counted + late.length + aside(driver, 'in.late').length).toBe(3);
});

test('a step that throws on most results is broken: its task ends', async () => {
  const { driver, send } = await drive((stream) => {
    stream
      .window(tumbling({ sizeMs: SECOND_MS }))
      .aggregate('by-second', count(), onClose())
      .map(() => {
        throw new Error('not yet written');
      })
      .to(toTopic('out'));
  });
  const keys = Array.from({ length: 2000 }, (_, n) => `k${n}`);
  for (const key of keys)
    driver.kafka.append({ topic: 'in', key, value: numbers.encode(1), timestampMs: T0 });
  await expect(send('k', 2 * SECOND_MS)).rejects.toMatchObject({ code: 'MR_PROCESS_STEPS_FAILING' });
});

test('where a handler holds more than stores, its task starts again and passes over what it threw on', async () => {
  let starts = 0;
  const { driver, send } = await drive((stream) => {
    const windows = stream.window(tumbling({ sizeMs: SECOND_MS })).aggregate('by-second', count(), onClose());
    windows
      .process<string>('batch', (_, emit) => {
        starts += 1;
        let batch: string[] = [];
        return {
          process: ({ key }) => {
            if (key === 'bad') throw new Error('not this one');
            batch.push(key);
          },
          beforeCommit: () => {
            if (batch.length > 0)
              emit(batch.join(), { key: 'all', eventTimeMs: T0, ingestTimeMs: T0, position: undefined });
            batch = [];
          },
        };
      })
      .to(toTopic('out'));
  });
  for (const key of ['a', 'bad', 'b']) await send(key, 1);
  await send('z', 2 * SECOND_MS);
  expect(out(driver)).toEqual([['all', 'a,b']]);
  expect(aside(driver, 'in.dlq')).toMatchObject([{ key: 'bad' }]);
  expect(starts).toBe(2);
});
