import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import type { Kafka, Producer } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import { SHOP_TOPICS, namespaced, topicsOf } from '../../schemas/topics.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import { replaySource, type ReplaySource } from './replay-source.ts';
import { parseReplaySpeed, replay, type ReplayOptions } from './replay.ts';

const NAMESPACE = 'replay-diginetica';
const SESSIONS = 2_000;
const CLICKS_EACH = 5;
const NOW_MS = Date.UTC(2026, 0, 1);

let folder: string;
let kafka: Kafka;
let producer: Producer;
let source: ReplaySource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mr-replay-'));
  kafka = await openEmbeddedLog({ dir: join(folder, 'log'), log: silentLogger(), fsync: false });
  await kafka.admin.ensureTopics(
    topicsOf(NAMESPACE).map(({ name, partitions }) => ({ topic: name, partitions })),
  );
  producer = kafka.producer();
  const sessions = Array.from({ length: SESSIONS }, (_, n) =>
    Array.from({ length: CLICKS_EACH }, (_unused, click) => n + click).join(' '),
  );
  await writeFile(join(folder, 'train_sessions.txt'), `${sessions.join('\n')}\n`);
  source = replaySource('diginetica', folder);
});
afterEach(async () => {
  await kafka.close();
  await rm(folder, { recursive: true });
});

const options = (changes: Partial<ReplayOptions> = {}): ReplayOptions => ({
  producer,
  namespace: NAMESPACE,
  source,
  speed: 'max',
  now: () => NOW_MS,
  ...changes,
});

async function stored(): Promise<readonly (readonly MillraceEvent[])[]> {
  const { name, partitions } = SHOP_TOPICS.clickstream;
  const all: MillraceEvent[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const events: MillraceEvent[] = [];
    for await (const batch of kafka.readToEnd({ topic: namespaced(NAMESPACE, name), partition })) {
      events.push(...batch.records.map(({ value }) => decodeEvent(value)));
    }
    all.push(events);
  }
  return all;
}

describe('replay', () => {
  test('publishes every event once, each partition in the order of event time', async () => {
    const counts: number[] = [];
    const result = await replay(options({ onProgress: ({ events }) => counts.push(events) }));
    expect(result).toEqual({ events: SESSIONS * CLICKS_EACH, badRows: 0, seconds: 0 });
    expect(counts.at(-1)).toBe(SESSIONS * CLICKS_EACH);
    const partitions = await stored();
    const all = partitions.flat();
    expect(all).toHaveLength(SESSIONS * CLICKS_EACH);
    expect(new Set(all.map(({ eventId }) => eventId)).size).toBe(all.length);
    expect(all.every(({ ingestTime }) => ingestTime === NOW_MS)).toBe(true);
    for (const events of partitions) {
      const times = events.map(({ eventTime }) => eventTime);
      expect(events.length).toBeGreaterThan(0);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
  });

  test('gives the same events when it runs again', async () => {
    await replay(options());
    await replay(options());
    const ids = (await stored()).flat().map(({ eventId }) => eventId);
    expect(ids).toHaveLength(2 * SESSIONS * CLICKS_EACH);
    expect(new Set(ids).size).toBe(SESSIONS * CLICKS_EACH);
  });

  test('lets event time pass as many times faster as it was told', async () => {
    let nowMs = NOW_MS;
    const sent: { atMs: number; eventTime: number }[] = [];
    const watched: Producer = {
      send(records) {
        sent.push(...records.map(({ value }) => ({ atMs: nowMs, eventTime: decodeEvent(value).eventTime })));
        return producer.send(records);
      },
      close: () => producer.close(),
    };
    const sleep = async (ms: number): Promise<void> => {
      nowMs += ms;
    };
    const { events } = await replay(options({ producer: watched, speed: 100, now: () => nowMs, sleep }));
    expect(events).toBe(SESSIONS * CLICKS_EACH);
    const firstMs = sent[0]?.eventTime ?? 0;
    for (const { atMs, eventTime } of sent) {
      const dueMs = NOW_MS + (eventTime - firstMs) / 100;
      expect(atMs).toBeGreaterThanOrEqual(dueMs - 25);
      expect(atMs).toBeLessThanOrEqual(dueMs + 25);
    }
  });

  test('ends at the signal', async () => {
    const stop = new AbortController();
    const { events } = await replay(options({ signal: stop.signal, onProgress: () => stop.abort() }));
    expect(events).toBeLessThanOrEqual(SESSIONS * CLICKS_EACH);
    expect((await stored()).flat()).toHaveLength(events);
  });

  test('stops at a bad row, or counts it and goes on', async () => {
    await writeFile(join(folder, 'train_sessions.txt'), '1 2\n?\n3 4\n');
    await expect(replay(options())).rejects.toMatchObject({
      code: 'MR_REPLAY_BAD_ROW',
      context: { line: 2 },
    });
    const lines: unknown[] = [];
    const onBadRow: ReplayOptions['onBadRow'] = ({ context }) => lines.push(context['line']);
    expect(await replay(options({ badRows: 'skip', onBadRow }))).toMatchObject({ events: 4, badRows: 1 });
    expect(lines).toEqual([2]);
  });

  test('fails with the error of Kafka', async () => {
    await producer.close();
    await expect(replay(options())).rejects.toMatchObject({
      code: expect.stringMatching(/^MR_KAFKA_/) as string,
    });
  });
});

describe('parseReplaySpeed', () => {
  test.each([
    ['max', 'max'],
    ['1', 1],
    ['0.5', 0.5],
    ['1000', 1000],
  ])('reads %s', (text, speed) => expect(parseReplaySpeed(text)).toBe(speed));

  test.each(['', ' ', '0', '-1', 'fast', 'Infinity', 'NaN'])('does not read %j', (text) =>
    expect(() => parseReplaySpeed(text)).toThrow(
      expect.objectContaining({ code: 'MR_REPLAY_SPEED' }) as Error,
    ),
  );
});
