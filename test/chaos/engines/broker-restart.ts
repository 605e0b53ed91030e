import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { installedJava, kafkaJarsCached } from '../../../cli/stack/kafka-jars.ts';
import { DEFAULT_CACHE_DIR, stackDown, stackStatus, stackUp } from '../../../cli/stack/stack.ts';
import { MillraceError } from '../../../platform/errors.ts';
import { openKafka } from '../../../platform/kafka/index.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { retry } from '../../../platform/retry.ts';
import { compareIds, type ChaosContext, type ChaosCount, type Scenario } from '../scenario.ts';

const PARTITIONS = 3;
const RETRY = { initialDelayMs: 100, maxDelayMs: 1000 };

export const brokerRestart: Scenario = {
  name: 'Kafka broker restart',
  about: 'the broker is killed with SIGKILL and started again while records are sent and transactions commit',
  weight: 3,
  leftOut: async () => {
    const java = await installedJava();
    if (java === undefined || java < 17) return 'no Java 17 on the PATH';
    return kafkaJarsCached(DEFAULT_CACHE_DIR)
      ? undefined
      : 'Kafka is not downloaded yet (`millrace stack up` does that)';
  },
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const dir = join(context.dir, 'stack');
  const options = { dir, services: ['kafka'] as const, anyPorts: true };
  const { brokers } = await stackUp(options);
  const kafka = await openKafka({
    config: { brokers: brokers.split(',') },
    dataDir: context.dir,
    clientId: 'chaos',
    log: silentLogger(),
  });
  try {
    await kafka.admin.ensureTopics([
      { topic: 'sent', partitions: PARTITIONS },
      { topic: 'pairs', partitions: 2 },
    ]);
    const stop = new AbortController();
    const writers = Promise.all([send(kafka, stop.signal), commit(kafka, stop.signal)]);
    const endMs = performance.now() + budgetMs;
    let kills = 0;
    while (performance.now() < endMs || kills === 0) {
      await sleep(1000 + context.random() * 2000);
      for (const { pid } of await stackStatus({ dir })) process.kill(pid, 'SIGKILL');
      kills++;
      await stackUp(options);
      context.note(`${kills} restarts of the broker`);
    }
    await sleep(1000);
    stop.abort();
    const [sent, committed] = await writers;
    const records = compareIds(sent, await ids(kafka, 'sent'));
    const left = await ids(kafka, 'pairs', 0);
    const transactions = compareIds(committed, left);
    const isWhole = left.join() === (await ids(kafka, 'pairs', 1)).join();
    return {
      kills,
      acknowledged: records.acknowledged + transactions.acknowledged,
      lost: records.lost + transactions.lost + (isWhole ? 0 : 1),
      duplicated: records.duplicated + transactions.duplicated,
    };
  } finally {
    await kafka.close();
    await stackDown({ dir, wipe: true });
  }
}

/** Sends until it is stopped. Records of a send that failed have an unknown outcome: they are not sent again. */
async function send(kafka: Kafka, stop: AbortSignal): Promise<ReadonlySet<string>> {
  const acknowledged = new Set<string>();
  let producer = kafka.producer();
  for (let call = 0; !stop.aborted; call++) {
    const batch = Array.from({ length: 50 }, (_, i) => `${call}.${i}`);
    try {
      await producer.send(batch.map((id) => ({ topic: 'sent', key: id, value: Buffer.from(id) })));
      for (const id of batch) acknowledged.add(id);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      await producer.close();
      producer = kafka.producer();
    }
  }
  await producer.close();
  return acknowledged;
}

/** Commits numbered transactions; after a failure it starts from the last committed offset, as a task does. */
async function commit(kafka: Kafka, stop: AbortSignal): Promise<ReadonlySet<string>> {
  const acknowledged = new Set<string>();
  while (!stop.aborted) {
    const producer = kafka.transactionalProducer({ transactionalId: 'chaos', groupId: 'chaos' });
    try {
      await producer.init();
      const [done] = await retry(() => kafka.admin.committed('chaos', 'sent'), RETRY);
      for (let next = (done?.offset ?? 0) + 1; ; next++) {
        if (isStopped(stop)) return acknowledged;
        const value = Buffer.from(String(next));
        const records = [0, 1].map((partition) => ({ topic: 'pairs', partition, key: null, value }));
        await producer.commit({ records, offsets: [{ topic: 'sent', partition: 0, offset: next }] });
        acknowledged.add(String(next));
      }
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      await sleep(100);
    } finally {
      await producer.close();
    }
  }
  return acknowledged;
}

/** A call of its own: the signal changes while the loop waits. */
function isStopped(stop: AbortSignal): boolean {
  return stop.aborted;
}

async function ids(kafka: Kafka, topic: string, only?: number): Promise<string[]> {
  const found: string[] = [];
  for (const { partition } of await retry(() => kafka.admin.offsets(topic), RETRY)) {
    if (only !== undefined && partition !== only) continue;
    for await (const batch of kafka.readToEnd({ topic, partition }))
      found.push(...batch.records.map(({ value }) => value?.toString() ?? ''));
  }
  return found;
}
