/**
 * # 4. Windows of time
 *
 * A window groups the values of a key by event time. Four kinds divide time by the clock:
 *
 * | window | an event at t is in | Kafka Streams | Flink |
 * |---|---|---|---|
 * | `tumbling` | one window [n·size, (n+1)·size) | TimeWindows | tumbling |
 * | `daily` | the calendar day of a time zone | – | SQL: TUMBLE over TIMESTAMP_LTZ |
 * | `hopping` | every window of that size around it, one starts each `slideMs` | TimeWindows + advanceBy | "sliding" |
 * | `sliding` | each [t′ − size, t′] of an event t′, both ends included | SlidingWindows (another set of windows) | OVER |
 *
 * Chapter 5 has windows that follow the events themselves: sessions and counts.
 */
import { expect, test } from 'vitest';
import { count, sum } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import {
  daily,
  hopping,
  sliding,
  tumbling,
  type WindowResult,
  type WindowSpec,
} from '../../processors/runtime/windows/index.ts';
import { at, lines } from './times-of-day.ts';

interface Payment {
  readonly euros: number;
  readonly time: number;
}

const payments = json<Payment>();

/** What payments of one key come to in windows of some kind. */
async function paymentsIn(window: WindowSpec, startMs = at('12:00:00')) {
  const app = topology('till');
  app
    .stream('payments', { codec: payments, eventTimeOf: ({ time }) => time })
    .window(window)
    .aggregate(
      'euros',
      sum(({ euros }: Payment) => euros),
    )
    .to(toTopic('euros'));
  const driver = await driveTopology(app.build(), { startMs });
  return {
    driver,
    pay: async (euros: number, time: number | string) => {
      const timeMs = typeof time === 'string' ? at(time) : time;
      await driver.send('payments', { euros, time: timeMs }, { key: 'till', codec: payments });
    },
    results: () => driver.read('euros', json<WindowResult<number>>()),
    said: () => lines(driver.read('euros', json<WindowResult<number>>())),
  };
}

test('tumbling windows lie side by side; the end belongs to the next', async () => {
  const { pay, said } = await paymentsIn(tumbling({ sizeMs: 60_000 }));
  await pay(1, '10:00:00');
  await pay(2, '10:00:59');
  await pay(4, '10:01:00');
  await pay(8, '10:03:00');
  // Minutes in which nothing happened say nothing.
  expect(said()).toEqual(['10:00:00–10:01:00 till 3 watermark', '10:01:00–10:02:00 till 4 watermark']);
});

test('an offset moves all windows', async () => {
  const { pay, said } = await paymentsIn(tumbling({ sizeMs: 3_600_000, offsetMs: 15 * 60_000 }));
  await pay(1, '09:14:59');
  await pay(2, '09:15:00');
  await pay(4, '11:00:00');
  expect(said()).toEqual(['08:15:00–09:15:00 till 1 watermark', '09:15:00–10:15:00 till 2 watermark']);
});

test('with a grace, windows stay open for what comes late, and results come as much later', async () => {
  const { pay, said } = await paymentsIn(tumbling({ sizeMs: 60_000, graceMs: 10_000 }));
  await pay(1, '10:00:30');
  await pay(2, '10:01:09.999');
  // The watermark is beyond the end of the first minute, and within the grace.
  await pay(4, '10:00:31');
  expect(said()).toEqual([]);
  await pay(8, '10:01:10');
  expect(said()).toEqual(['10:00:00–10:01:00 till 5 watermark']);
});

test('daily windows are the calendar days of a zone: one day a year has 23 hours, and one 25', async () => {
  const may = Date.parse('2026-05-01T00:00:00Z');
  const { pay, results } = await paymentsIn(daily({ timeZone: 'Europe/Berlin' }), may);
  // In Berlin, clocks were put forward in the night to 29 March 2026.
  await pay(1, Date.parse('2026-03-28T22:59:59Z'));
  await pay(2, Date.parse('2026-03-28T23:00:00Z'));
  await pay(4, Date.parse('2026-03-29T21:59:59Z'));
  await pay(8, Date.parse('2026-03-29T22:00:00Z'));
  const days = results().map(({ value }) => ({
    from: new Date(value!.windowStartMs).toISOString(),
    hours: (value!.windowEndMs - value!.windowStartMs) / 3_600_000,
    euros: value!.value,
  }));
  expect(days).toEqual([
    { from: '2026-03-27T23:00:00.000Z', hours: 24, euros: 1 },
    { from: '2026-03-28T23:00:00.000Z', hours: 23, euros: 6 },
  ]);
});

test('hopping windows overlap: an event is in each window around it', async () => {
  const { pay, said } = await paymentsIn(hopping({ sizeMs: 60_000, slideMs: 20_000 }));
  await pay(1, '10:00:30');
  await pay(2, '10:00:50');
  await pay(0, '10:02:00');
  expect(said()).toEqual([
    '09:59:40–10:00:40 till 1 watermark',
    '10:00:00–10:01:00 till 3 watermark',
    '10:00:20–10:01:20 till 3 watermark',
    '10:00:40–10:01:40 till 2 watermark',
  ]);
  // However many windows overlap, an event changes one entry of the state: the engine adds to slices and merges them
  // when a window closes. A window of a day that slides by a second is no problem.
});

test('sliding windows look back from each event', async () => {
  const { driver, pay, said } = await paymentsIn(sliding({ sizeMs: 60_000 }));
  await pay(1, '10:00:00');
  await pay(2, '10:00:30');
  await pay(4, '10:01:00');
  await pay(8, '10:01:31');
  await driver.advanceClock(10_000);
  // For each event: what the key paid in the minute up to it, that event included. The first is just within at 10:01:00.
  expect(said()).toEqual([
    '09:59:00–10:00:00 till 1 watermark',
    '09:59:30–10:00:30 till 3 watermark',
    '10:00:00–10:01:00 till 7 watermark',
    '10:00:31–10:01:31 till 12 idle',
  ]);
});

test('a window may follow a window', async () => {
  const app = topology('till');
  app
    .stream('payments', { codec: payments, eventTimeOf: ({ time }) => time })
    .window(tumbling({ sizeMs: 60_000, graceMs: 5_000 }))
    .aggregate(
      'by-minute',
      sum(({ euros }: Payment) => euros),
    )
    // A result happened at the last moment of its window. What follows knows by how much results are behind the
    // watermark, so that none of them is late for it.
    .window(tumbling({ sizeMs: 120_000 }))
    .aggregate('busy-minutes', { minutes: count(), euros: sum((minute) => minute.value) })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const [euros, time] of [
    [1, '10:00:10'],
    [2, '10:00:20'],
    [4, '10:01:50'],
    [8, '10:02:30'],
  ] as const)
    await driver.send('payments', { euros, time: at(time) }, { key: 'till', codec: payments });
  expect(lines(driver.read('out', json<WindowResult<unknown>>()))).toEqual([
    '10:00:00–10:02:00 till {"minutes":2,"euros":7} watermark',
  ]);
});

test('a specification that makes no sense is refused where it is made', () => {
  expect(() => tumbling({ sizeMs: 0 })).toThrow(
    'tumbling: sizeMs must be a whole number of at least 1, not 0',
  );
  expect(() => hopping({ sizeMs: 10, slideMs: 20 })).toThrow(
    'hopping: slideMs must be a whole number from 1 to 10',
  );
  expect(() => daily({ timeZone: 'Berlin' })).toThrow(
    'daily: timeZone must be an IANA name such as Europe/Berlin',
  );
});
