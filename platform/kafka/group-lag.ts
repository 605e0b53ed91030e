import type { KafkaAdmin, TopicPartition } from './port.ts';

export interface PartitionLag extends TopicPartition {
  /** Next offset that the group reads; undefined where it has committed none. */
  readonly committed: number | undefined;
  /** Last stable offset. */
  readonly end: number;
  /** Offsets between the two; from the start of the log where nothing was committed. */
  readonly lag: number;
}

/**
 * How far a group is behind on each partition of topics. Counts offsets: transaction markers and compacted records are
 * among them. A committed offset that the log has lost counts from the log's start. Ends are read before commits, so that
 * a busy group never seems to be further behind than it was.
 */
export async function groupLag(
  admin: Pick<KafkaAdmin, 'offsets' | 'committed'>,
  groupId: string,
  topics: readonly string[],
): Promise<readonly PartitionLag[]> {
  const lags = topics.map(async (topic): Promise<PartitionLag[]> => {
    const ends = await admin.offsets(topic);
    const committed = new Map(
      (await admin.committed(groupId, topic)).map(({ partition, offset }) => [partition, offset]),
    );
    return ends.map(({ partition, start, end }) => {
      const at = committed.get(partition);
      return { topic, partition, committed: at, end, lag: Math.max(0, end - Math.max(start, at ?? start)) };
    });
  });
  return (await Promise.all(lags)).flat().sort(byPlace);
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}
