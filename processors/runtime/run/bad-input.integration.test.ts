import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { randomName } from '../../../platform/kafka/contract/harness.contract.ts';
import { createRealKafka } from '../../../platform/kafka/kafkajs/real-kafka.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import type { ProductViewed } from '../../../schemas/generated/events.ts';
import { deadLetterTopic, topicsOf } from '../../../schemas/topics.ts';
import { encodeEvent } from '../../../schemas/wire-format.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { requireService } from '../../../test/harness/require-service.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import { latestCounts, viewJob, VIEWS } from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import { StreamRunner } from './runner.ts';

const service = requireService('kafka');
const YEAR_9999_MS = Date.UTC(9999, 11, 31);
const TEN_MB = 10 * 1024 * 1024;

/** What others may put into the topic, and what becomes of it. */
const BAD: readonly (readonly [what: string, value: Buffer | null, code: string])[] = [
  ['no value', null, 'MR_SCHEMA_DECODE'],
  ['an empty value', Buffer.alloc(0), 'MR_SCHEMA_DECODE'],
  ['text', Buffer.from('{"eventId":1}'), 'MR_SCHEMA_DECODE'],
  ['a schema id that nobody knows', Buffer.from([0, 0, 0, 255, 255, 1]), 'MR_SCHEMA_UNKNOWN_ID'],
  ['half of an event', encodeEvent(viewOf('a', T0)).subarray(0, 12), 'MR_SCHEMA_DECODE'],
  ['10 MB of anything', Buffer.alloc(TEN_MB, 'x'), 'MR_PROCESS_EVENT_TOO_LARGE'],
  ['10 MB in an event', encodeEvent(viewOf('x'.repeat(TEN_MB), T0)), 'MR_PROCESS_EVENT_TOO_LARGE'],
  ['a time before 1970', encodeEvent(viewOf('a', -1, { ingestTime: T0 })), 'MR_PROCESS_INVALID_EVENT'],
  ['the year 9999', encodeEvent(viewOf('a', YEAR_9999_MS, { ingestTime: T0 })), 'MR_PROCESS_FUTURE_EVENT'],
  [
    'the year 9999, also as ingest time',
    encodeEvent(viewOf('a', YEAR_9999_MS, { ingestTime: YEAR_9999_MS })),
    'MR_PROCESS_FUTURE_EVENT',
  ],
  ['no id', encodeEvent(viewOf('a', T0, { eventId: 'none' })), 'MR_PROCESS_INVALID_EVENT'],
];

function view(item: string, atMs: number): ProductViewed {
  return viewOf(item, atMs, { eventId: randomUUID() });
}

async function codesIn(kafka: Kafka, topic: string): Promise<readonly string[]> {
  const codes: string[] = [];
  for await (const { records } of kafka.readToEnd({ topic, partition: 0, fromOffset: 0 }))
    for (const { headers } of records) codes.push(headers['mr-code'] ?? '');
  return codes;
}

test.skipIf(service.isMissing)(
  service.title('bad records go alone to the dead letters, and what is beside them is counted'),
  async () => {
    const brokers = service.address.split(',');
    const kafka = createRealKafka({ brokers, clientId: 'millrace-test', log: silentLogger() });
    const namespace = randomName('bad');
    const nameOf = (topic: string) => `${namespace}.${topic}`;
    const contracts = topicsOf(namespace).map(({ name, config }) => ({ topic: name, partitions: 1, config }));
    // The operator of the broker allows more than we take.
    const roomy = { 'max.message.bytes': String(2 * TEN_MB) };
    await kafka.admin.ensureTopics(
      contracts.map((spec) => (spec.topic === nameOf(VIEWS) ? { ...spec, config: roomy } : spec)),
    );
    const rows = new MemoryRowWriter();
    const runner = new StreamRunner({
      ...{ subtopologies: viewJob(0), groupId: randomName('group'), namespace, kafka, rows },
      store: new MemoryOnlineStore(),
      watermark: { outOfOrderMs: 0, idleTimeoutMs: 500 },
      ...{ commitIntervalMs: 50, onlineFlushIntervalMs: 20, now: Date.now, newId: randomUUID },
      log: silentLogger(),
    });
    onTestFinished(async () => {
      await runner.stop();
      await kafka.close();
    });
    const producer = kafka.producer();
    const send = (value: Buffer | null, key: string | null = 'device') =>
      producer.send([{ topic: nameOf(VIEWS), partition: 0, key, value, timestampMs: Date.now() }]);
    const good: ProductViewed[] = [];
    const sendGood = async (atMs: number, key?: null) => {
      const event = view('a', atMs);
      good.push(event);
      await send(encodeEvent(event), key);
    };
    await runner.start();
    for (const [index, [, value]] of BAD.entries()) {
      await sendGood(T0 + index * 1000);
      await send(value);
    }
    // Its job keeps nothing by the key of the topic, so a record without one counts.
    await sendGood(T0 + 59_999, null);
    await waitUntil(async () => (await codesIn(kafka, nameOf(deadLetterTopic(VIEWS)))).length >= BAD.length, {
      timeoutMs: 60_000,
      what: 'dead letters',
    });
    expect(await codesIn(kafka, nameOf(deadLetterTopic(VIEWS)))).toEqual(BAD.map(([, , code]) => code));
    // Not closed by the year 9999, but by silence.
    const closed = () => rows.rows('item_minute').filter((row) => row['reason'] === 'idle');
    await waitUntil(() => closed().length > 0, { timeoutMs: 30_000, what: 'the minute to close' });
    expect(latestCounts(rows.rows('item_minute'))).toEqual(new Map([['0 a', good.length]]));
    expect(runner.isAlive).toBe(true);
  },
);
