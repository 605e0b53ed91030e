import type { LogReader, PartitionRange } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import { changelogTopic } from '../../../schemas/topics.ts';

/** The changelog of a sub-topology as it is in the log; its partitions are those of the tasks. */
export interface Changelog {
  readonly subtopology: string;
  readonly topic: string;
  readonly partitions: readonly PartitionRange[];
}

/** The changelogs of an application's namespace, by name of their sub-topologies. */
export async function findChangelogs(log: LogReader, namespace: string): Promise<readonly Changelog[]> {
  const prefix = changelogTopic(namespace, '');
  const topics = (await log.topicNames()).filter((topic) => topic.startsWith(prefix));
  const offsets = await log.offsets(topics);
  return topics.map((topic) => ({
    subtopology: topic.slice(prefix.length),
    topic,
    partitions: offsets.get(topic) ?? [],
  }));
}

/** A part of a partition, from a first offset up to an end. */
export interface LogRange extends TopicPartition {
  readonly start: number;
  readonly end: number;
}

/** The tasks that a changelog has room for, each with the part of it that is there now. */
export function rangesOf({ topic, partitions }: Changelog): readonly LogRange[] {
  return partitions.map(({ partition, start, end }) => ({ topic, partition, start, end }));
}

/**
 * The records of a range in their order, a fetch at a time.
 * @param onRead told how far reading is, as an offset
 */
export async function* recordsOf(
  log: LogReader,
  { topic, partition, start, end }: LogRange,
  onRead?: (offset: number) => void,
): AsyncGenerator<readonly LogRecord[], undefined> {
  if (start >= end) return;
  for await (const { records, nextOffset } of log.readToEnd({ topic, partition, fromOffset: start })) {
    yield nextOffset <= end ? records : records.filter(({ offset }) => offset < end);
    onRead?.(Math.min(nextOffset, end));
    if (nextOffset >= end) return;
  }
}
