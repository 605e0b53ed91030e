import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../platform/config.ts';
import { MillraceError } from '../../platform/errors.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { makeTemporaryDir } from '../../test/harness/temporary-dir.ts';
import { availableServices } from './services.ts';
import { DEFAULT_CACHE_DIR, stackDown, stackStatus, stackUp } from './stack.ts';

const { leftOut } = await availableServices(DEFAULT_CACHE_DIR);
const kafkaReason = leftOut.find(({ service }) => service === 'kafka')?.reason ?? '';
const parts = skipOrFail(kafkaReason);

interface Traffic {
  readonly stop: AbortController;
  /** Ids that were acknowledged, in order. */
  readonly acknowledged: string[];
}

function isStopped({ stop }: Traffic): boolean {
  return stop.signal.aborted;
}

/** Sends until it is told to stop. What a failed send has written is not known: it is not sent again. */
async function sendRecords(kafka: Kafka, topic: string, traffic: Traffic): Promise<void> {
  let producer = kafka.producer();
  for (let call = 0; !isStopped(traffic); call++) {
    const ids = Array.from({ length: 20 }, (_, i) => `${call}.${i}`);
    try {
      await producer.send(ids.map((id) => ({ topic, key: id, value: Buffer.from(id) })));
      traffic.acknowledged.push(...ids);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      await producer.close();
      producer = kafka.producer();
    }
  }
  await producer.close();
}

/** Numbered transactions, each on two partitions; after a failure it goes on from the last committed offset. */
async function commitTransactions(kafka: Kafka, topic: string, traffic: Traffic): Promise<void> {
  while (!isStopped(traffic)) {
    const producer = kafka.transactionalProducer({ transactionalId: topic, groupId: topic });
    try {
      await producer.init();
      const [done] = await kafka.admin.committed(topic, topic);
      for (let next = (done?.offset ?? 0) + 1; !isStopped(traffic); next++) {
        const value = Buffer.from(String(next));
        const records = [0, 1].map((partition) => ({ topic, partition, key: null, value }));
        await producer.commit({ records, offsets: [{ topic, partition: 0, offset: next }] });
        traffic.acknowledged.push(String(next));
      }
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      await sleep(50);
    } finally {
      await producer.close();
    }
  }
}

async function idsOf(kafka: Kafka, topic: string, partition: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const { records } of kafka.readToEnd({ topic, partition }))
    ids.push(...records.map(({ value }) => String(value)));
  return ids;
}

describe.skipIf(parts.isMissing)(parts.title('three brokers with TLS and passwords'), () => {
  it('lose nothing and double nothing when one of them is killed, and take it back', {
    timeout: 300_000,
  }, async () => {
    const temporary = await makeTemporaryDir();
    const dir = temporary.path;
    onTestFinished(async () => {
      await stackDown({ dir, wipe: true });
      await temporary.remove();
    });
    const up = () =>
      stackUp({ dir, services: ['kafka'], brokers: 3, secure: true, anyPorts: true, heapMb: 256 });
    const first = await up();
    const { kafka: config } = parseConfig(first.settings);
    const kafka = await openKafka({ config, dataDir: dir, clientId: 'cluster', log: silentLogger() });
    onTestFinished(() => kafka.close());
    const [sent, pairs] = [`sent-${randomUUID()}`, `pairs-${randomUUID()}`];
    await kafka.admin.ensureTopics([
      { topic: sent, partitions: 3 },
      { topic: pairs, partitions: 2 },
    ]);

    const stop = new AbortController();
    const sends: Traffic = { stop, acknowledged: [] };
    const commits: Traffic = { stop, acknowledged: [] };
    onTestFinished(() => stop.abort());
    const traffic = Promise.all([sendRecords(kafka, sent, sends), commitTransactions(kafka, pairs, commits)]);
    const untilMore = async () => {
      const [records, transactions] = [sends.acknowledged.length, commits.acknowledged.length];
      const more = () =>
        sends.acknowledged.length > records + 200 && commits.acknowledged.length > transactions + 20;
      await expect.poll(more, { timeout: 90_000 }).toBe(true);
    };
    await untilMore();
    const killed = (await stackStatus({ dir })).find(({ name }) => name === 'kafka-2')!;
    process.kill(killed.pid, 'SIGKILL');
    await untilMore();
    expect((await stackStatus({ dir })).map(({ name, running }) => [name, running])).toEqual([
      ['kafka-1', true],
      ['kafka-2', false],
      ['kafka-3', true],
    ]);

    expect((await up()).brokers.split(',').sort()).toEqual(first.brokers.split(',').sort());
    expect((await stackStatus({ dir })).map(({ answers }) => answers)).toEqual([true, true, true]);
    await untilMore();
    stop.abort();
    await traffic;

    const found = (await Promise.all([0, 1, 2].map((partition) => idsOf(kafka, sent, partition)))).flat();
    const present = new Set(found);
    expect(sends.acknowledged.filter((id) => !present.has(id))).toEqual([]);
    expect(found.length).toBe(present.size);
    // The coordinator marks the records as committed a moment after it has acknowledged the transaction.
    const last = commits.acknowledged.at(-1) ?? '';
    const read = () => Promise.all([0, 1].map((partition) => idsOf(kafka, pairs, partition)));
    const isSettled = async () => {
      const [left = [], right = []] = await read();
      return left.includes(last) && left.join() === right.join();
    };
    await expect.poll(isSettled, { timeout: 30_000 }).toBe(true);
    const [committed = []] = await read();
    expect(committed).toEqual(committed.map((_, index) => String(index + 1)));
    expect(commits.acknowledged.filter((id) => !committed.includes(id))).toEqual([]);
  });
});
