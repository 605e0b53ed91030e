import type { Kafka, RecordBatch, TopicPartition } from './port.ts';

/** First offset and last stable offset of a partition. */
export interface PartitionRange {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** What can be read of a log, by whoever owns it or asks its owner. Committed records only. */
export interface LogReader {
  readonly kind: Kafka['kind'];
  /** Names of all topics but the engine's own, in order. */
  topicNames(): Promise<readonly string[]>;
  /** Of topics that exist. The embedded log answers for one moment: no commit lies between two of its answers. */
  offsets(topics: readonly string[]): Promise<ReadonlyMap<string, readonly PartitionRange[]>>;
  /** Whether no transaction on these topics is open, or decided and not yet shown, as of some moment of the call. */
  isSettled(topics: readonly string[]): Promise<boolean>;
  /** As {@link Kafka.readToEnd}. */
  readToEnd(source: TopicPartition & { readonly fromOffset?: number }): AsyncIterable<RecordBatch>;
}

/** The reading half of a log that is open here. */
export function logReader(kafka: Kafka): LogReader {
  return {
    kind: kafka.kind,
    topicNames: () => kafka.admin.topicNames(),
    // All asked for before the first answer is awaited: the embedded log answers them in one go.
    offsets: async (topics) =>
      new Map(
        await Promise.all(topics.map(async (topic) => [topic, await kafka.admin.offsets(topic)] as const)),
      ),
    isSettled: async (topics) =>
      (await Promise.all(topics.map((topic) => kafka.admin.isSettled(topic)))).every(Boolean),
    readToEnd: (source) => kafka.readToEnd(source),
  };
}
