import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCollector } from '../../ingest/collector/create-collector.ts';
import { parseConfig, Secret } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { stackDown, stackStatus, stackUp } from '../../cli/stack/stack.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import { requireService } from '../harness/require-service.ts';
import { temporaryDir } from '../harness/temporary-dir.ts';

// The suite kills the broker, so it starts one of its own; that needs what the shared one needed.
const kafkaService = requireService('kafka');
const KEY = 'a-key-of-this-test-alone';

async function openCollector(kafka: Kafka) {
  const producer = kafka.producer();
  const app = createCollector({
    producer,
    namespace: '',
    config: parseConfig({}).ingest,
    keys: [new Secret(KEY)],
    metrics: createMetrics(),
    log: silentLogger(),
    now: Date.now,
  });
  onTestFinished(async () => {
    await app.close();
    await producer.close();
  });
  return app;
}

function view(eventId: string) {
  return {
    type: 'ProductViewed',
    eventId,
    eventTime: Date.now(),
    source: 'test',
    anonymousId: `device-${eventId.slice(0, 2)}`,
    channel: 'web',
    itemId: 'item-1',
  };
}

async function readIds(kafka: Kafka, topic: string): Promise<string[]> {
  const ids: string[] = [];
  for (const { partition } of await kafka.admin.offsets(topic)) {
    for await (const batch of kafka.readToEnd({ topic, partition })) {
      ids.push(...batch.records.map((record) => decodeEvent(record.value).eventId));
    }
  }
  return ids;
}

describe.skipIf(kafkaService.isMissing)(kafkaService.title('Kafka killed while events come in'), () => {
  it('answers 503 while it is down, and loses nothing that was acknowledged', {
    timeout: 240_000,
  }, async () => {
    const dir = await temporaryDir();
    const up = () => stackUp({ dir, services: ['kafka'], anyPorts: true });
    const { brokers } = await up();
    const kafka = await openKafka({
      config: { brokers: brokers.split(',') },
      dataDir: dir,
      clientId: 'outage',
      log: silentLogger(),
    });
    onTestFinished(async () => {
      await kafka.close();
      await stackDown({ dir, wipe: true });
    });
    const topic = SHOP_TOPICS.clickstream.name;
    await kafka.admin.ensureTopics([{ topic, partitions: 4 }]);
    const app = await openCollector(kafka);

    const acknowledged = new Set<string>();
    const refusals = new Set<string>();
    const traffic = { on: true };
    const client = async () => {
      let eventId = randomUUID();
      while (traffic.on) {
        const answer = await app.inject({
          method: 'POST',
          url: '/v1/events',
          headers: { authorization: `Bearer ${KEY}` },
          payload: view(eventId),
        });
        if (answer.statusCode === 202) {
          acknowledged.add(eventId);
          eventId = randomUUID();
        } else {
          refusals.add(`${answer.statusCode} ${answer.json<{ error: { code: string } }>().error.code}`);
          await sleep(50);
        }
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    await expect.poll(() => acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(200);

    const [broker] = await stackStatus({ dir });
    process.kill(broker?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => refusals.size, { timeout: 60_000 }).toBeGreaterThan(0);
    const before = acknowledged.size;
    await up();
    await expect.poll(() => acknowledged.size, { timeout: 90_000 }).toBeGreaterThan(before + 200);
    traffic.on = false;
    await clients;

    for (const refusal of refusals)
      expect(refusal).toMatch(/^503 MR_(KAFKA_UNAVAILABLE|KAFKA_PRODUCE_FAILED|INGEST_OVERLOADED)$/);
    const ids = await readIds(kafka, topic);
    const present = new Set(ids);
    expect([...acknowledged].filter((id) => !present.has(id))).toEqual([]);
  });
});
