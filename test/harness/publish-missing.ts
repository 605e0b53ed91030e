import { setTimeout as sleep } from 'node:timers/promises';
import { partitionFor } from '../../platform/kafka/partitioner.ts';
import type { Kafka, ProduceRecord } from '../../platform/kafka/port.ts';

export interface PublishOptions {
  readonly topic: string;
  readonly batchRecords: number;
  /** Between two batches. */
  readonly pauseMs: number;
}

/** Sends what is not yet in the topic of a list that is the same each time: the offsets tell how far each partition is. */
export async function publishMissing(
  kafka: Kafka,
  records: readonly ProduceRecord[],
  { topic, batchRecords, pauseMs }: PublishOptions,
): Promise<void> {
  const offsets = await kafka.admin.offsets(topic);
  const published = new Map(offsets.map(({ partition, end }) => [partition, end]));
  const missing = records.filter(({ key }) => {
    const partition = partitionFor(key ?? '', offsets.length);
    const left = published.get(partition) ?? 0;
    published.set(partition, left - 1);
    return left <= 0;
  });
  const producer = kafka.producer();
  for (let at = 0; at < missing.length; at += batchRecords) {
    await producer.send(missing.slice(at, at + batchRecords));
    await sleep(pauseMs);
  }
  await producer.close();
}

/** Whether a group has committed everything that its topics hold. */
export async function everythingCommitted(
  kafka: Kafka,
  group: string,
  topics: readonly string[],
): Promise<boolean> {
  for (const topic of topics) {
    const committed = await kafka.admin.committed(group, topic);
    for (const { partition, end } of await kafka.admin.offsets(topic)) {
      if ((committed.find((o) => o.partition === partition)?.offset ?? 0) < end) return false;
    }
  }
  return true;
}
