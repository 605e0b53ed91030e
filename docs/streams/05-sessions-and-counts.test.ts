/**
 * # 5. Sessions and windows of counts
 *
 * A *session* is a burst of activity of a key: its events are at most a gap apart. Nobody knows its end before the gap
 * has passed, and an event out of order may join two sessions to one. What was said of a session before, by a policy of
 * chapter 6, is then *taken back* with its own bounds and value, so that a table downstream can delete the row.
 *
 * A *count window* holds so many events of a key, whenever they come.
 */
import { describe, expect, test } from 'vitest';
import { count, sum } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import {
  countWindow,
  onClose,
  onUpdate,
  session,
  type EmitPolicy,
  type WindowResult,
  type WindowSpec,
} from '../../processors/runtime/windows/index.ts';
import { at, lines } from './times-of-day.ts';

interface Click {
  readonly time: number;
}

const clicks = json<Click>();
const MINUTE_MS = 60_000;

async function clicksIn(window: WindowSpec, emit: EmitPolicy = onClose()) {
  const app = topology('web');
  app
    .stream('clicks', { codec: clicks, eventTimeOf: ({ time }) => time })
    .window(window)
    .aggregate('clicks', count(), emit)
    .to(toTopic('out'));
  // Events may be out of order by five minutes here.
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00'), outOfOrderMs: 5 * MINUTE_MS });
  return {
    driver,
    click: (time: string, key = 'ann') => driver.send('clicks', { time: at(time) }, { key, codec: clicks }),
    said: () => lines(driver.read('out', json<WindowResult<number>>())),
    ordinals: () => driver.read('out', json<WindowResult<number>>()).map(({ value }) => value?.ordinal),
  };
}

describe('a session', () => {
  test('ends when the gap has passed; its bounds are its first and last event', async () => {
    const { click, said } = await clicksIn(session({ gapMs: MINUTE_MS }));
    await click('10:00:00');
    await click('10:01:00');
    // One more millisecond than the gap: another session.
    await click('10:02:00.001');
    await click('10:00:30', 'bob');
    expect(said()).toEqual([]);
    await click('10:30:00', 'bob');
    // By the end of each session, whoever it belongs to.
    expect(said()).toEqual([
      '10:00:30–10:00:30 bob 1 watermark',
      '10:00:00–10:01:00 ann 2 watermark',
      '10:02:00–10:02:00 ann 1 watermark',
    ]);
  });

  test('merges with its neighbour when an event closes the gap, and takes back what was said', async () => {
    const { click, said } = await clicksIn(session({ gapMs: MINUTE_MS }), onUpdate());
    await click('10:00:00');
    await click('10:01:30');
    expect(said()).toEqual(['10:00:00–10:00:00 ann 1 update', '10:01:30–10:01:30 ann 1 update']);
    // In between, and late: both sessions were one all the time.
    await click('10:00:45');
    expect(said()).toEqual([
      '10:00:00–10:00:00 ann 1 retraction',
      '10:01:30–10:01:30 ann 1 retraction',
      '10:00:00–10:01:30 ann 3 update',
    ]);
  });

  test('that was never said needs no retraction: on close, each is said once and for good', async () => {
    const { driver, click, said } = await clicksIn(session({ gapMs: MINUTE_MS }));
    await click('10:00:00');
    await click('10:01:30');
    await click('10:00:45');
    await driver.advanceClock(10 * MINUTE_MS);
    expect(said()).toEqual(['10:00:00–10:01:30 ann 3 idle']);
  });
});

describe('a count window', () => {
  test('is said when it is full, in the order of arrival; nothing is late for it', async () => {
    const { driver, click, said } = await clicksIn(countWindow({ size: 3 }));
    for (const time of ['10:00:00', '10:20:00', '10:10:00', '10:30:00']) await click(time);
    expect(said()).toEqual(['10:00:00–10:20:00 ann 3 watermark']);
    // The fourth waits for two more. Time does not end it …
    await driver.advanceClock(60 * MINUTE_MS);
    expect(said()).toEqual([]);
  });

  test('… unless a key counts as gone after a while', async () => {
    const { driver, click, said } = await clicksIn(countWindow({ size: 3, idleMs: 30 * MINUTE_MS }));
    await click('10:00:00');
    await click('10:01:00');
    await driver.advanceClock(60 * MINUTE_MS);
    expect(said()).toEqual(['10:00:00–10:01:00 ann 2 idle']);
  });

  test('may slide by less than its size; `ordinal` numbers the windows of a key', async () => {
    const { click, ordinals } = await clicksIn(countWindow({ size: 3, slide: 1 }));
    for (const second of [1, 2, 3, 4, 5]) await click(`10:00:0${second}`);
    expect(ordinals()).toEqual([0, 1, 2]);
  });

  test('averages over the last events of each sensor', async () => {
    interface Reading {
      readonly celsius: number;
    }
    const readings = json<Reading>();
    const app = topology('sensors');
    app
      .stream('readings', { codec: readings })
      .window(countWindow({ size: 2, slide: 1 }))
      .aggregate(
        'sum-of-two',
        sum(({ celsius }: Reading) => celsius),
      )
      .map(({ value }) => value / 2)
      .to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    for (const celsius of [20, 22, 30])
      await driver.send('readings', { celsius }, { key: 's', codec: readings });
    expect(driver.read('out', json()).map(({ value }) => value)).toEqual([21, 26]);
  });
});
