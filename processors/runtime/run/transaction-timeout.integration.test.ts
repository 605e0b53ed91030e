import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { randomName } from '../../../platform/kafka/contract/harness.contract.ts';
import { connectBroker, type ConnectBroker } from '../../../platform/kafka/kafkajs/broker-connection.ts';
import { createRealKafka } from '../../../platform/kafka/kafkajs/real-kafka.ts';
import { silentLogger } from '../../../platform/log.ts';
import { changelogTopic, INTERNAL_TOPICS, namespaced } from '../../../schemas/topics.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { requireService } from '../../../test/harness/require-service.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import {
  countViews,
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

/** A way to the brokers on which the next EndTxn of an id waits until it is let go, as where a process stands still. */
function holdingBack(id: string) {
  let isArmed = false;
  let letGo = (): void => undefined;
  let isHeld = false;
  const connect: ConnectBroker = async (...where) => {
    const connection = await connectBroker(...where);
    return {
      isAlive: () => connection.isAlive(),
      destroy: () => {
        connection.destroy();
      },
      async call(api, request, timeoutMs) {
        const { transactionalId } = request as { readonly transactionalId?: string };
        if (isArmed && api.name === 'EndTxn' && transactionalId === id) {
          isArmed = false;
          isHeld = true;
          await new Promise<void>((resolve) => (letGo = resolve));
        }
        return connection.call(api, request, timeoutMs);
      },
    };
  };
  return {
    connect,
    arm: () => (isArmed = true),
    isHolding: () => isHeld,
    letGo: () => {
      letGo();
    },
  };
}

test.skipIf(service.isMissing)(
  service.title('a transaction that times out at the coordinator is taken back, and every event counts once'),
  { timeout: 120_000 },
  async () => {
    const brokers = service.address.split(',');
    const groupId = randomName('group');
    const held = holdingBack(taskTransactionalId(groupId, 'views', 0).transactionalId);
    const base = { brokers, clientId: 'millrace-test', log: silentLogger() };
    const kafka = createRealKafka({ ...base, connect: held.connect, transactionTimeoutMs: 1000 });
    const observer = createRealKafka(base);
    const namespace = randomName('timeout');
    const input = namespaced(namespace, VIEWS);
    const output = namespaced(namespace, INTERNAL_TOPICS.userActivity.name);
    const changelog = changelogTopic(namespace, 'views');
    await kafka.admin.ensureTopics(
      viewTopics(1).map((spec) => ({
        ...{ ...spec, topic: namespaced(namespace, spec.topic), config: { 'retention.ms': '-1' } },
      })),
    );
    const rows = new MemoryRowWriter();
    const restarts: string[] = [];
    const runner = new StreamRunner({
      ...{ subtopologies: viewJob(0), groupId, namespace, kafka, rows, store: new MemoryOnlineStore() },
      watermark: { outOfOrderMs: 3_600_000, idleTimeoutMs: 60_000 },
      ...{ commitIntervalMs: 50, onlineFlushIntervalMs: 20, now: Date.now, newId: randomUUID },
      log: silentLogger(),
      onRestart: (code) => restarts.push(code),
    });
    onTestFinished(async () => {
      held.letGo();
      await runner.stop();
      await Promise.all([kafka.close(), observer.close()]);
    });
    await runner.start();
    const events = Array.from({ length: 40 }, (_, n) =>
      viewOf(`item-${n % 3}`, T0 + n, { eventId: randomUUID(), anonymousId: `device-${n % 5}` }),
    );
    const publish = (some: typeof events) =>
      observer
        .producer()
        .send(some.map((event) => ({ ...viewRecord(event), topic: input, timestampMs: Date.now() })));
    const untilCommitted = (offset: number) =>
      waitUntil(async () => ((await observer.admin.committed(groupId, input))[0]?.offset ?? 0) >= offset, {
        timeoutMs: 40_000,
        what: `offset ${offset} committed`,
      });
    await publish(events.slice(0, 20));
    await untilCommitted(20);
    held.arm();
    await publish(events.slice(20));
    await waitUntil(held.isHolding, { timeoutMs: 10_000, what: 'an EndTxn' });
    expect(await observer.admin.isSettled(changelog)).toBe(false);
    // The coordinator looks every ten seconds.
    await waitUntil(() => observer.admin.isSettled(changelog), {
      ...{ timeoutMs: 40_000, what: 'the coordinator to abort the transaction' },
    });
    held.letGo();
    await untilCommitted(40);
    await runner.stop();
    expect(restarts).toContain('MR_KAFKA_FENCED');
    expect(latestCounts(rows.rows('item_minute'))).toEqual(countViews(events, ({ itemId }) => itemId));
    let said = 0;
    for await (const { records } of observer.readToEnd({ topic: output, partition: 0, fromOffset: 0 }))
      said += records.filter(({ value }) => value !== null).length;
    expect(said).toBe(events.length);
  },
);
