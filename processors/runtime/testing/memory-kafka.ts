import { partitionFor } from '../../platform/kafka/partitioner.ts';
import type {
  Kafka,
  KafkaAdmin,
  LogRecord,
  ProduceRecord,
  RecordBatch,
  TopicPartitionOffset,
} from '../../platform/kafka/port.ts';

export interface MemoryKafka extends Kafka {
  /** All records of a topic in the order of writing. */
  recordsOf(topic: string): readonly (ProduceRecord & LogRecord & { partition: number })[];
  /** Every later commit rejects with this error. */
  failCommits(error: Error | undefined): void;
}

type Stored = LogRecord & { readonly partition: number };

/**
 * The transactional half of the Kafka port in memory: enough to drive one task step by step, without a group. What
 * needs groups and fetches runs on the embedded log.
 */
export function memoryKafka(partitions = 1): MemoryKafka {
  const topics = new Map<string, Stored[]>();
  const sent = new Map<string, (ProduceRecord & Stored)[]>();
  const committed = new Map<string, TopicPartitionOffset>();
  let failure: Error | undefined;

  const append = (record: ProduceRecord): TopicPartitionOffset => {
    const partition = record.partition ?? (record.key === null ? 0 : partitionFor(record.key, partitions));
    const log = topics.get(record.topic) ?? [];
    const offset = log.filter((stored) => stored.partition === partition).length;
    const stored: Stored = {
      partition,
      offset,
      timestampMs: record.timestampMs ?? 0,
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value,
      headers: record.headers ?? {},
    };
    log.push(stored);
    topics.set(record.topic, log);
    const all = sent.get(record.topic) ?? [];
    all.push({ ...record, ...stored } as ProduceRecord & Stored);
    sent.set(record.topic, all);
    return { topic: record.topic, partition, offset };
  };

  const admin: KafkaAdmin = {
    ensureTopics: () => Promise.resolve(),
    partitionCounts: (names) => Promise.resolve(new Map(names.map((name) => [name, partitions]))),
    topicNames: () => Promise.resolve([...topics.keys()].sort()),
    topicSettings: () => Promise.resolve(new Map()),
    deleteTopics: () => Promise.resolve(),
    offsets: (topic) =>
      Promise.resolve(
        Array.from({ length: partitions }, (_, partition) => ({
          partition,
          start: 0,
          end: (topics.get(topic) ?? []).filter((stored) => stored.partition === partition).length,
        })),
      ),
    committed: (groupId, topic) =>
      Promise.resolve(
        [...committed]
          .filter(([key, o]) => key.startsWith(`${groupId}|`) && o.topic === topic)
          .map(([, o]) => o),
      ),
  };

  const unsupported = (): never => {
    throw new Error('not part of the memory port');
  };

  return {
    kind: 'embedded',
    admin,
    producer: () => ({
      send: (records) => Promise.resolve(records.map(append)),
      close: () => Promise.resolve(),
    }),
    transactionalProducer: ({ groupId }) => ({
      init: () => Promise.resolve(),
      commit: (transaction) => {
        if (failure !== undefined) return Promise.reject(failure);
        transaction.records.forEach(append);
        for (const o of transaction.offsets) committed.set(`${groupId}|${o.topic}|${o.partition}`, o);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    }),
    groupConsumer: unsupported,
    async *readToEnd({ topic, partition, fromOffset = 0 }): AsyncGenerator<RecordBatch> {
      const records = (topics.get(topic) ?? []).filter(
        (stored) => stored.partition === partition && stored.offset >= fromOffset,
      );
      if (records.length > 0)
        yield { topic, partition, records, nextOffset: records.length, endOffset: records.length };
    },
    ping: () => Promise.resolve(),
    info: () => Promise.resolve({ engine: 'memory', version: 'unknown', where: 'memory' }),
    close: () => Promise.resolve(),
    recordsOf: (topic) => sent.get(topic) ?? [],
    failCommits: (error) => {
      failure = error;
    },
  };
}
