import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret, parseConfig } from '../../platform/config.ts';
import { listen } from '../../platform/http/index.ts';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import type { Kafka, Producer } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { SHOP_TOPICS, topicsOf } from '../../schemas/topics.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import { createCollector } from '../collector/create-collector.ts';
import type { PublicEvent } from '../public-event.ts';
import { createHttpSender } from './http-sender.ts';
import { runSimulator } from './run-simulator.ts';
import { createShop } from './shop.ts';

const KEY = new Secret('a-key-of-more-than-16');
let folder: string;
let kafka: Kafka;
let producer: Producer;
let app: FastifyInstance;
let url: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mr-sender-'));
  kafka = await openEmbeddedLog({ dir: folder, log: silentLogger(), fsync: false });
  await kafka.admin.ensureTopics(topicsOf('').map(({ name, partitions }) => ({ topic: name, partitions })));
  producer = kafka.producer();
  app = createCollector({
    // Looked up for each request, so that a test can take Kafka away and bring it back.
    producer: { send: (records) => producer.send(records), close: async () => undefined },
    namespace: '',
    config: parseConfig({}).ingest,
    keys: [KEY],
    metrics: createMetrics(),
    log: silentLogger(),
    now: Date.now,
  });
  url = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await app.close();
  await kafka.close();
  await rm(folder, { recursive: true });
});

async function storedIds(): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const { name, partitions } of Object.values(SHOP_TOPICS)) {
    for (let partition = 0; partition < partitions; partition++) {
      for await (const batch of kafka.readToEnd({ topic: name, partition })) {
        ids.push(...batch.records.map(({ value }) => decodeEvent(value).eventId));
      }
    }
  }
  return ids;
}

const anEvent: PublicEvent = {
  type: 'OrderConfirmed',
  eventId: '0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a',
  eventTime: Date.UTC(2025, 10, 3),
  source: 'test',
  traceparent: null,
  orderId: 'order-1',
};

describe('the simulator against the collector', () => {
  test('brings every acknowledged event into the log, once, though Kafka was away for a while', async () => {
    const shop = createShop({
      seed: 5,
      startMs: Date.now(),
      thinkTimeMs: 60,
      orderStepMs: 50,
      items: 60,
      visitors: 40,
    });
    const acknowledged = new Set<string>();
    let away = false;
    const result = await runSimulator({
      shop,
      ratePerSecond: 400,
      seconds: 2,
      send: createHttpSender({ url, key: KEY }),
      retryDelayMs: 20,
      onRejected: (event, code) => expect.unreachable(`${event.type}: ${code}`),
      onAcknowledged: ({ eventId }) => {
        acknowledged.add(eventId);
        if (away || acknowledged.size < 200) return;
        away = true;
        void producer.close().then(() => setTimeout(() => (producer = kafka.producer()), 200));
      },
    });
    expect(away).toBe(true);
    expect(result.retries).toBeGreaterThan(0);
    expect(result.rejected).toBe(0);
    expect(result.accepted + result.duplicates).toBe(acknowledged.size);
    const stored = await storedIds();
    expect(new Set(stored)).toEqual(acknowledged);
    expect(stored).toHaveLength(acknowledged.size);
  });
});

describe('createHttpSender', () => {
  test('answers what the collector answers', async () => {
    const send = createHttpSender({ url, key: KEY });
    const bad = { ...anEvent, orderId: '' };
    expect(await send([bad])).toMatchObject({
      accepted: 0,
      rejected: [{ index: 0, code: 'MR_INGEST_INVALID_EVENT' }],
    });
    expect(await send([anEvent])).toEqual({ accepted: 1, duplicates: 0, rejected: [] });
    expect(await send([anEvent])).toEqual({ accepted: 0, duplicates: 1, rejected: [] });
  });

  test('calls a wrong key a refusal', async () => {
    const send = createHttpSender({ url, key: new Secret('some-other-key-of-16') });
    await expect(send([anEvent])).rejects.toMatchObject({
      code: 'MR_SIMULATOR_REFUSED',
      context: { status: 403 },
    });
  });

  test('calls a collector without Kafka, and one that is not there, busy', async () => {
    const send = createHttpSender({ url, key: KEY });
    await producer.close();
    await expect(send([anEvent])).rejects.toMatchObject({
      code: 'MR_SIMULATOR_COLLECTOR_BUSY',
      retryable: true,
    });
    await app.close();
    await expect(send([anEvent])).rejects.toMatchObject({
      code: 'MR_SIMULATOR_COLLECTOR_BUSY',
      retryable: true,
    });
  });
});
