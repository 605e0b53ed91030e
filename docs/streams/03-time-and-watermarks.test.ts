/**
 * # 3. Event time and watermarks
 *
 * A record has two times: *event time*, when it happened, and *ingest time*, when the log took it. Windows, joins and
 * timers follow event time, so that a replay of last week gives last week's results.
 *
 * How far event time has come is the *watermark* of a task: nothing that happened before it is waited for any more. It is
 * a real watermark as in Flink, the lowest over the inputs of a task, and goes along through repartition topics. It is not
 * the "stream time" of Kafka Streams, which is the highest time seen and stands still when nothing comes.
 */
import { describe, expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic, type Topology } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { tumbling, type WindowResult } from '../../processors/runtime/windows/index.ts';
import { at, clock, lines } from './times-of-day.ts';

interface Reading {
  readonly time: number;
}

const readings = json<Reading>();
const timeOf = ({ time }: Reading) => time;
const MINUTE = tumbling({ sizeMs: 60_000 });

/** Counts readings of one or more topics by minute. */
function countByMinute(...topics: string[]): Topology {
  const app = topology('sensors');
  const [first, ...others] = topics.map((topic) =>
    app.stream(topic, { codec: readings, eventTimeOf: timeOf, subtopology: 'sensors' }),
  );
  others
    .reduce((merged, stream) => merged.merge(stream), first!)
    .window(MINUTE)
    .aggregate('minutes', count())
    .to(toTopic('minutes'));
  return app.build();
}

async function start(made: Topology, options: { outOfOrderMs?: number; partitions?: number } = {}) {
  const driver = await driveTopology(made, { startMs: at('12:00:00'), ...options });
  return {
    driver,
    read: (topic: string, time: string, partition = 0) =>
      driver.send(topic, { time: at(time) }, { key: 'sensor', codec: readings, partition }),
    watermark: (subtopology = 'sensors', partition = 0) =>
      clock(driver.task(subtopology, partition).watermarkMs),
    minutes: () => lines(driver.read('minutes', json<WindowResult<number>>())),
  };
}

describe('the watermark of a task', () => {
  test('is the highest event time seen, less what events may be out of order', async () => {
    // MR_OUT_OF_ORDER in production.
    const { read, watermark, minutes } = await start(countByMinute('a'), { outOfOrderMs: 10_000 });
    expect(watermark()).toBe('never');
    await read('a', '10:00:30');
    expect(watermark()).toBe('10:00:20');
    // Out of order, and it does not go back.
    await read('a', '10:00:25');
    expect(watermark()).toBe('10:00:20');
    // The minute is open until the watermark has reached its end, so events of up to 10 seconds before count in it.
    await read('a', '10:01:09');
    await read('a', '10:00:59');
    expect(minutes()).toEqual([]);
    await read('a', '10:01:10');
    expect(minutes()).toEqual(['10:00:00–10:01:00 sensor 3 watermark']);
  });

  test('is the lowest over its inputs: the slower one decides', async () => {
    const { read, watermark } = await start(countByMinute('a', 'b'));
    await read('a', '10:05:00');
    expect(watermark()).toBe('never');
    await read('b', '10:02:00');
    expect(watermark()).toBe('10:02:00');
  });

  test('does not wait for an input that was read to its end and is silent', async () => {
    const { driver, read, watermark } = await start(countByMinute('a', 'b'));
    await read('a', '10:05:00');
    await read('b', '10:02:00');
    // MR_IDLE_TIMEOUT, 5 s here. After 6 s `b` is silent for longer, and `a` is not.
    await driver.advanceClock(3000);
    await read('a', '10:05:30');
    await driver.advanceClock(3000);
    expect(watermark()).toBe('10:05:30');
    // When `b` comes back with something older, the watermark stays.
    await read('b', '10:03:00');
    expect(watermark()).toBe('10:05:30');
  });

  test('moves with the clock when every input is silent, so that windows close', async () => {
    const { driver, read, watermark, minutes } = await start(countByMinute('a'));
    await read('a', '10:00:30');
    // Five seconds of silence, and from then on as fast as the clock.
    await driver.advanceClock(5000 + 20_000);
    expect(watermark()).toBe('10:00:50');
    await driver.advanceClock(10_000);
    expect(minutes()).toEqual(['10:00:00–10:01:00 sensor 1 idle']);
  });

  test('is that of the inputs which reach a step: others of its task do not hold it back', async () => {
    const app = topology('sensors');
    for (const topic of ['a', 'b'])
      app
        .stream(topic, { codec: readings, eventTimeOf: timeOf, subtopology: 'sensors' })
        .window(MINUTE)
        .aggregate(`minutes-of-${topic}`, count())
        .to(toTopic('minutes'));
    const { read, watermark, minutes } = await start(app.build());
    await read('a', '10:00:30');
    await read('a', '10:01:00');
    // One task reads both, and knows nothing of `b` yet. The window of `a` does not depend on it.
    expect(watermark()).toBe('never');
    expect(minutes()).toEqual(['10:00:00–10:01:00 sensor 1 watermark']);
  });

  test('goes along through repartition topics, also where a partition has never had a record', async () => {
    const app = topology('sensors');
    app
      .stream('a', { codec: readings, eventTimeOf: timeOf })
      .keyBy(() => 'all')
      .window(MINUTE)
      .aggregate('minutes', count())
      .to(toTopic('minutes'));
    const { driver, read, minutes } = await start(app.build(), { partitions: 3 });
    await read('a', '10:00:10', 0);
    await read('a', '10:00:50', 1);
    // Partition 2 is empty. The tasks before the topic tell those behind it how far they are, or that they are idle.
    await driver.advanceClock(60_000);
    expect(minutes()).toEqual(['10:00:00–10:01:00 all 2 idle']);
  });
});

describe('event time', () => {
  test('is that of an event of the registry, else what `eventTimeOf` says, else the time of the log', async () => {
    const app = topology('sensors');
    app
      .stream('plain', { codec: json<string>() })
      .map((value, meta) => `${value} at ${clock(meta.eventTimeMs)}`)
      .to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    const to = { key: 'k', codec: json<string>() };
    await driver.send('plain', 'now', to);
    await driver.send('plain', 'before', { ...to, ingestTimeMs: at('11:00:00') });
    expect(driver.read('out', to.codec).map(({ value }) => value)).toEqual([
      'now at 12:00:00',
      'before at 11:00:00',
    ]);
  });

  test('of the future is a wrong clock: a dead letter, that never moves the watermark', async () => {
    const { driver, read, watermark } = await start(countByMinute('a'));
    await read('a', '11:59:00');
    await read('a', '12:04:59');
    await read('a', '12:05:01');
    expect(watermark()).toBe('12:04:59');
    const [letter] = driver.read('a.dlq', readings);
    expect(letter?.headers).toMatchObject({
      'mr-code': 'MR_PROCESS_FUTURE_EVENT',
      'mr-reason': 'the event time is beyond the ingest time by more than 5 minutes',
    });
  });

  test('decides the order in which the inputs of a task are processed', async () => {
    // What a join finds then depends on the log, and not on which broker answered first (KIP-353, KIP-695).
    const app = topology('sensors');
    const timed = { codec: readings, eventTimeOf: timeOf, subtopology: 'sensors' };
    const a = app.stream('a', timed).map(({ time }) => `a ${clock(time)}`);
    const b = app.stream('b', timed).map(({ time }) => `b ${clock(time)}`);
    a.merge(b).to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
    // Records that are in the log before anybody reads them.
    const log = (topic: string, time: string) =>
      driver.kafka.append({
        topic,
        key: 'k',
        value: readings.encode({ time: at(time) }),
        timestampMs: driver.now(),
      });
    for (const time of ['10:00:01', '10:00:04']) log('a', time);
    for (const time of ['10:00:02', '10:00:03', '10:00:05']) log('b', time);
    await driver.advanceClock(1);
    expect(driver.read('out', json()).map(({ value }) => value)).toEqual([
      'a 10:00:01',
      'b 10:00:02',
      'b 10:00:03',
      'a 10:00:04',
      'b 10:00:05',
    ]);
  });
});
