/**
 * # 6. When results are said, and why
 *
 * Every result of a window is the absolute value so far, never a difference, and carries its reason. When a window
 * closes, its result always comes; the policy says whether anything comes before:
 *
 * - `onClose()`, the default: nothing. In Kafka Streams: `EmitStrategy.onWindowClose` or `suppress(untilWindowCloses)`.
 * - `onUpdate()`: with each commit, what has changed since the last. In Kafka Streams: the default, with caching.
 * - `early({ everyMs })`: what has changed, at intervals of the clock. In Flink: an early-firing trigger.
 * - `anyOf(…)`: several of them.
 *
 * | reason | the result came because |
 * |---|---|
 * | `update` | it changed |
 * | `early` | it changed, and the interval has passed |
 * | `watermark` | events have closed its window |
 * | `idle` | the clock has closed its window, since all inputs are silent |
 * | `correction` | a late event changed it after it was closed (chapter 7) |
 * | `retraction` | it no longer holds: another with other bounds takes its place (chapter 5) |
 */
import { expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import {
  anyOf,
  early,
  onClose,
  onUpdate,
  tumbling,
  type EmitPolicy,
  type WindowResult,
} from '../../processors/runtime/windows/index.ts';
import { at, lines } from './times-of-day.ts';

interface Click {
  readonly time: number;
}

const clicks = json<Click>();

async function clicksByMinute(emit: EmitPolicy) {
  const app = topology('web');
  app
    .stream('clicks', { codec: clicks, eventTimeOf: ({ time }) => time })
    .window(tumbling({ sizeMs: 60_000 }))
    .aggregate('by-minute', count(), emit)
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  return {
    driver,
    click: (...times: string[]) => {
      // What one fetch brings is processed together, and committed together.
      for (const time of times.slice(0, -1))
        driver.kafka.append({
          topic: 'clicks',
          key: 'shoes',
          value: clicks.encode({ time: at(time) }),
          timestampMs: driver.now(),
        });
      return driver.send('clicks', { time: at(times.at(-1)!) }, { key: 'shoes', codec: clicks });
    },
    said: () => lines(driver.read('out', json<WindowResult<number>>())),
  };
}

test('on close: one result for each window, by events or by the clock', async () => {
  const { driver, click, said } = await clicksByMinute(onClose());
  await click('10:00:10');
  await click('10:00:20');
  await click('10:01:10');
  expect(said()).toEqual(['10:00:00–10:01:00 shoes 2 watermark']);
  await driver.advanceClock(60_000);
  expect(said()).toEqual(['10:01:00–10:02:00 shoes 1 idle']);
});

test('on update: what changed, once for each commit, and the close', async () => {
  const { click, said } = await clicksByMinute(onUpdate());
  await click('10:00:10', '10:00:11', '10:00:12');
  // Three events, one commit, one result.
  expect(said()).toEqual(['10:00:00–10:01:00 shoes 3 update']);
  await click('10:00:20');
  await click('10:01:10');
  expect(said()).toEqual([
    '10:00:00–10:01:00 shoes 4 update',
    '10:00:00–10:01:00 shoes 4 watermark',
    '10:01:00–10:02:00 shoes 1 update',
  ]);
});

test('early: what changed, at intervals of the clock', async () => {
  const { driver, click, said } = await clicksByMinute(early({ everyMs: 1000 }));
  await click('10:00:10');
  await click('10:00:11');
  expect(said()).toEqual([]);
  await driver.advanceClock(1000);
  expect(said()).toEqual(['10:00:00–10:01:00 shoes 2 early']);
  // Nothing has changed, and nothing is said.
  await driver.advanceClock(1000);
  expect(said()).toEqual([]);
});

test('early results are of a table or a topic that is written over, so a restart says them again if it must', async () => {
  const { driver, click, said } = await clicksByMinute(early({ everyMs: 1000 }));
  await click('10:00:10');
  await driver.restart();
  await driver.advanceClock(2000);
  expect(said()).toEqual(['10:00:00–10:01:00 shoes 1 early']);
});

test('policies can be joined: of several intervals the shortest counts', () => {
  expect(anyOf(onUpdate(), early({ everyMs: 5000 }), early({ everyMs: 1000 }))).toEqual({
    isOnUpdate: true,
    earlyEveryMs: 1000,
  });
});

test('a final answer is told from a preliminary one by its reason', async () => {
  // A mail, a payment or an alert wants the final one only; a dashboard wants both.
  const app = topology('web');
  const minutes = app
    .stream('clicks', { codec: clicks, eventTimeOf: ({ time }) => time })
    .window(tumbling({ sizeMs: 60_000 }))
    .aggregate('by-minute', count(), onUpdate());
  minutes.to(toTopic('dashboard'));
  minutes.filter(({ reason }) => reason === 'watermark' || reason === 'idle').to(toTopic('mail'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const time of ['10:00:10', '10:00:20', '10:01:00'])
    await driver.send('clicks', { time: at(time) }, { key: 'shoes', codec: clicks });
  expect(driver.read('dashboard', json())).toHaveLength(4);
  expect(lines(driver.read('mail', json<WindowResult<number>>()))).toEqual([
    '10:00:00–10:01:00 shoes 2 watermark',
  ]);
});
