import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { randomName } from '../../../platform/kafka/contract/harness.contract.ts';
import { createRealKafka } from '../../../platform/kafka/kafkajs/real-kafka.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { namespaced } from '../../../schemas/topics.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { requireService } from '../../../test/harness/require-service.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import {
  countViews,
  factsByPlace,
  latestCounts,
  viewJob,
  viewRecord,
  VIEWS,
  viewTopics,
} from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import { taskTransactionalId } from '../task/task.ts';
import { StreamRunner } from './runner.ts';

const service = requireService('kafka');
const HOUR_MS = 3_600_000;
const KEPT = { 'retention.ms': '-1' };

/** A job on one partition, in a namespace of its own. */
async function stage() {
  const kafka = createRealKafka({
    ...{ brokers: service.address.split(','), clientId: 'millrace-test', log: silentLogger() },
  });
  const namespace = randomName('lost');
  const groupId = randomName('group');
  const rows = new MemoryRowWriter();
  const topics = (config: Readonly<Record<string, string>>) =>
    viewTopics(1).map((spec) => ({ ...spec, topic: namespaced(namespace, spec.topic), config }));
  const input = namespaced(namespace, VIEWS);
  const running: StreamRunner[] = [];
  const restarts: string[] = [];
  onTestFinished(async () => {
    await Promise.all(running.map((runner) => runner.stop()));
    await kafka.close();
  });
  const run = async (): Promise<StreamRunner> => {
    const runner = new StreamRunner({
      ...{ subtopologies: viewJob(0), groupId, namespace, kafka, rows, store: new MemoryOnlineStore() },
      watermark: { outOfOrderMs: HOUR_MS, idleTimeoutMs: 60_000 },
      ...{ commitIntervalMs: 50, onlineFlushIntervalMs: 20, now: Date.now, newId: randomUUID },
      log: silentLogger(),
      onRestart: (code) => restarts.push(code),
    });
    running.push(runner);
    await runner.start();
    return runner;
  };
  const views = (count: number, from = 0) =>
    Array.from({ length: count }, (_, n) =>
      viewOf(`item-${(from + n) % 3}`, T0 + from + n, { eventId: randomUUID() }),
    );
  const publish = (events: ReturnType<typeof views>, timestampMs = Date.now()) =>
    kafka.producer().send(events.map((event) => ({ ...viewRecord(event), topic: input, timestampMs })));
  const committed = async () => (await kafka.admin.committed(groupId, input))[0]?.offset ?? 0;
  const untilCommitted = (offset: number) =>
    waitUntil(async () => (await committed()) >= offset, {
      timeoutMs: 30_000,
      what: `offset ${offset} committed`,
    });
  return { kafka, namespace, groupId, rows, topics, input, run, views, publish, untilCommitted, restarts };
}

/** Resolves with what ends the runner. */
async function endOf(runner: StreamRunner): Promise<unknown> {
  const timeout = new Promise((resolve) => setTimeout(resolve, 40_000, 'it goes on'));
  return Promise.race([
    runner.done.then(
      () => 'it ended well',
      (error: unknown) => error,
    ),
    timeout,
  ]);
}

async function untilStart(kafka: Kafka, topic: string, start: number): Promise<void> {
  const isThere = async () => (await kafka.admin.offsets(topic))[0]?.start === start;
  await waitUntil(isThere, { timeoutMs: 30_000, what: 'the records to be removed' });
}

describe.skipIf(service.isMissing)(service.title('a job whose input is lost'), () => {
  test('unread records that retention removed while it was down are an alarm at its start', async () => {
    const on = await stage();
    await on.kafka.admin.ensureTopics(on.topics({ 'retention.ms': '60000' }));
    const first = await on.run();
    await on.publish(on.views(10));
    await on.untilCommitted(10);
    await first.stop();
    // A segment goes as a whole once its youngest record is too old: in a topic made anew all of them are.
    await on.kafka.admin.deleteTopics([on.input]);
    await on.kafka.admin.ensureTopics(on.topics({ 'retention.ms': '60000' }));
    await on.publish(on.views(20), Date.now() - 2 * HOUR_MS);
    await untilStart(on.kafka, on.input, 20);
    const owner = on.kafka.transactionalProducer({ transactionalId: randomName('tx'), groupId: on.groupId });
    await owner.init();
    await owner.commit({ records: [], offsets: [{ topic: on.input, partition: 0, offset: 10 }] });
    await owner.close();
    const second = await on.run();
    const error = await endOf(second);
    expect(error).toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
      context: { topic: on.input, partition: 0, offset: 10, start: 20, end: 20 },
    });
    expect((error as Error).message).toContain(`${on.input}/0 has offsets from 20`);
  });

  test('deleted and made anew while it runs, its input is an alarm and is not read from the old place', async () => {
    const on = await stage();
    await on.kafka.admin.ensureTopics(on.topics(KEPT));
    const runner = await on.run();
    await on.publish(on.views(10));
    await on.untilCommitted(10);
    await on.kafka.admin.deleteTopics([on.input]);
    await on.kafka.admin.ensureTopics(on.topics(KEPT));
    // As many as before and more: the old place is one of the new topic too.
    const other = createRealKafka({
      ...{ brokers: service.address.split(','), clientId: 'millrace-test', log: silentLogger() },
    });
    onTestFinished(() => other.close());
    await other
      .producer()
      .send(
        on
          .views(30, 100)
          .map((event) => ({ ...viewRecord(event), topic: on.input, timestampMs: Date.now() })),
      );
    const error = await endOf(runner);
    expect(['MR_KAFKA_TOPIC_RECREATED', 'MR_KAFKA_OFFSET_OUT_OF_RANGE']).toContain(
      (error as { code: string }).code,
    );
    expect((error as Error).message).toContain(on.input);
    expect(factsByPlace(on.rows.rows('clicks')).size).toBe(10);
  });

  test('another holder of its transactional ids fences it; it recovers, and nothing is doubled', async () => {
    const on = await stage();
    await on.kafka.admin.ensureTopics(on.topics(KEPT));
    await on.run();
    const events = on.views(300);
    for (let at = 0; at < events.length; at += 30) {
      await on.publish(events.slice(at, at + 30));
      const stranger = on.kafka.transactionalProducer(taskTransactionalId(on.groupId, 'views', 0));
      await stranger.init();
      await stranger.close();
    }
    await on.untilCommitted(300);
    expect(on.restarts).toContain('MR_KAFKA_FENCED');
    const truth = countViews(events, ({ itemId }) => itemId);
    expect(latestCounts(on.rows.rows('item_minute'))).toEqual(truth);
    const facts = [...factsByPlace(on.rows.rows('clicks')).values()];
    expect(facts.sort()).toEqual(events.map(({ eventId }) => eventId).sort());
    const acts: unknown[] = [];
    const actions = namespaced(on.namespace, 'millrace.user-activity');
    for await (const { records } of on.kafka.readToEnd({ topic: actions, partition: 0 }))
      acts.push(...records.filter(({ key }) => key !== null));
    expect(acts).toHaveLength(300);
  });
});
