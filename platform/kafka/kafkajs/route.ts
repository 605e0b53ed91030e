import { MillraceError } from '../../errors.ts';
import type { ProduceRecord } from '../port.ts';
import { partitionFor } from '../partitioner.ts';
import type { PartitionAppend } from './appender.ts';
import { untilDone } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import { partitionKey } from './protocol/by-topic.ts';
import type { BatchRecord } from './protocol/record-batch-writer.ts';

export interface RoutedRecords {
  readonly appends: readonly PartitionAppend[];
  /** For each record, in the order given: which append holds it, and where. */
  readonly places: readonly { readonly append: number; readonly index: number }[];
}

/** Partition counts of topics that are not known yet are waited for so long: a new topic takes a moment to be seen. */
const TOPIC_WAIT_MS = 5_000;

/** Makes sure that the partition counts are known. Rejects with MR_KAFKA_TOPIC_MISMATCH or MR_KAFKA_UNAVAILABLE. */
export async function learnTopics(client: ClusterClient, topics: Iterable<string>): Promise<void> {
  const unknown = [...new Set(topics)].filter((topic) => client.partitionCount(topic) === undefined);
  if (unknown.length === 0) return;
  await untilDone(
    async () => {
      await client.refresh(unknown);
      const missing = unknown.filter((topic) => client.partitionCount(topic) === undefined);
      if (missing.length === 0) return { done: null };
      const again = new MillraceError('MR_KAFKA_TOPIC_MISMATCH', 'a topic does not exist', {
        context: { topics: missing },
      });
      return { again };
    },
    { scheduler: client.scheduler, deadlineMs: TOPIC_WAIT_MS },
  );
}

/**
 * Gives every record its partition — its own, or the key's (Java's murmur2); records without a key go round robin —
 * and groups them. Counts must be known (learnTopics).
 */
export function routeRecords(
  client: ClusterClient,
  records: readonly ProduceRecord[],
  next: { roundRobin: number },
): RoutedRecords {
  const nowMs = client.scheduler.now();
  const groups = new Map<
    string,
    { append: number; topic: string; partition: number; records: BatchRecord[] }
  >();
  const places = records.map((record) => {
    const partition = partitionOf(client, record, next);
    const key = partitionKey({ topic: record.topic, partition });
    let group = groups.get(key);
    if (group === undefined) {
      group = { append: groups.size, topic: record.topic, partition, records: [] };
      groups.set(key, group);
    }
    const { key: recordKey, value, headers, timestampMs = nowMs } = record;
    group.records.push({ key: recordKey, value, headers, timestampMs });
    return { append: group.append, index: group.records.length - 1 };
  });
  return { appends: [...groups.values()], places };
}

function partitionOf(client: ClusterClient, record: ProduceRecord, next: { roundRobin: number }): number {
  const count = client.partitionCount(record.topic);
  if (
    count === undefined ||
    (record.partition !== undefined && !(record.partition >= 0 && record.partition < count))
  )
    throw new MillraceError(
      'MR_KAFKA_TOPIC_MISMATCH',
      'a record names a topic or a partition that does not exist',
      {
        context: { topic: record.topic, partition: record.partition, partitions: count },
      },
    );
  if (record.partition !== undefined) return record.partition;
  if (record.key === null) return next.roundRobin++ % count;
  return partitionFor(record.key, count);
}
