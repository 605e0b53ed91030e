import { MillraceError } from '../../../platform/errors.ts';
import { partitionFor } from '../../../platform/kafka/partitioner.ts';
import type {
  Kafka,
  KafkaAdmin,
  LogRecord,
  ProduceRecord,
  RecordBatch,
  TopicPartition,
  TopicPartitionOffset,
  Transaction,
} from '../../../platform/kafka/port.ts';

/** A record as it was appended. */
export type StoredRecord = ProduceRecord & LogRecord & { readonly partition: number };

/**
 * The transactional half of the Kafka port in memory: enough to drive tasks step by step, without a group. What needs
 * groups and fetches runs on the embedded log.
 */
export interface MemoryKafka extends Kafka {
  /** All records of a topic in the order of writing. */
  recordsOf(topic: string): readonly StoredRecord[];
  /** What one partition holds from an offset on, as one fetch that reaches its end. */
  fetch(place: TopicPartition, fromOffset: number): RecordBatch;
  append(record: ProduceRecord): TopicPartitionOffset;
  /** Every later commit rejects with this error. */
  failCommits(error: Error | undefined): void;
  /** Why a record is refused for good, where it is. */
  refuses: (record: ProduceRecord) => string | undefined;
  /** What a topic that was not made by `ensureTopics` counts as having; 0: it is missing. */
  defaultPartitions: number;
}

/** @param partitions of each topic that nobody has made with another number */
export function memoryKafka(partitions = 1): MemoryKafka {
  const counts = new Map<string, number>();
  const sent = new Map<string, StoredRecord[]>();
  const logs = new Map<string, StoredRecord[]>();
  const committed = new Map<string, TopicPartitionOffset>();
  let failure: Error | undefined;

  const countOf = (topic: string) => counts.get(topic) ?? kafka.defaultPartitions;
  const logOf = ({ topic, partition }: TopicPartition): StoredRecord[] =>
    listIn(logs, `${topic}/${partition}`);

  const append = (record: ProduceRecord): TopicPartitionOffset => {
    const { topic, key } = record;
    const partition = record.partition ?? (key === null ? 0 : partitionFor(key, Math.max(1, countOf(topic))));
    const log = logOf({ topic, partition });
    const offset = log.length;
    const stored = {
      ...record,
      partition,
      offset,
      timestampMs: record.timestampMs ?? 0,
      key: (key === null ? null : Buffer.from(key)) as never,
      headers: record.headers ?? {},
    };
    log.push(stored);
    listIn(sent, topic).push(stored);
    return { topic, partition, offset };
  };

  const admin: KafkaAdmin = {
    ensureTopics: (topics) => {
      for (const { topic, partitions: count } of topics) counts.set(topic, count);
      return Promise.resolve();
    },
    partitionCounts: (names) =>
      Promise.resolve(
        new Map(names.map((name) => [name, countOf(name)] as const).filter(([, count]) => count > 0)),
      ),
    topicNames: () => Promise.resolve([...sent.keys()].sort()),
    topicSettings: () => Promise.resolve(new Map()),
    deleteTopics: () => Promise.resolve(),
    offsets: (topic) =>
      Promise.resolve(
        Array.from({ length: countOf(topic) }, (_, partition) => ({
          partition,
          start: 0,
          end: logOf({ topic, partition }).length,
        })),
      ),
    committed: (groupId, topic) =>
      Promise.resolve(
        [...committed]
          .filter(([key, o]) => key.startsWith(`${groupId}|`) && o.topic === topic)
          .map(([, o]) => o),
      ),
    isSettled: () => Promise.resolve(true),
    groupMembers: () => Promise.resolve(0),
  };

  const commit = (groupId: string, { records, offsets }: Transaction): Promise<void> => {
    if (failure !== undefined) return Promise.reject(failure);
    const refusal = records.map((record) => kafka.refuses(record)).find(Boolean);
    if (refusal !== undefined)
      return Promise.reject(new MillraceError('MR_KAFKA_PRODUCE_FAILED', refusal, { retryable: false }));
    records.forEach(append);
    for (const o of offsets) committed.set(`${groupId}|${o.topic}|${o.partition}`, o);
    return Promise.resolve();
  };

  const unsupported = (): never => {
    throw new Error('not part of the memory port');
  };

  const kafka: MemoryKafka = {
    kind: 'embedded',
    admin,
    defaultPartitions: partitions,
    refuses: () => undefined,
    producer: () => ({
      send: (records) => Promise.resolve(records.map(append)),
      close: () => Promise.resolve(),
    }),
    transactionalProducer: ({ groupId }) => ({
      init: () => Promise.resolve(),
      commit: (transaction) => commit(groupId, transaction),
      append: (records) => commit(groupId, { records, offsets: [] }),
      refused: (records) =>
        Promise.resolve(
          records.flatMap((record, index) => {
            const reason = kafka.refuses(record);
            return reason === undefined ? [] : [{ index, reason }];
          }),
        ),
      close: () => Promise.resolve(),
    }),
    groupConsumer: unsupported,
    async *readToEnd({ fromOffset = 0, ...place }): AsyncGenerator<RecordBatch> {
      const batch = kafka.fetch(place, fromOffset);
      if (batch.records.length > 0) yield batch;
    },
    ping: () => Promise.resolve(),
    info: () => Promise.resolve({ engine: 'memory', version: 'unknown', where: 'memory' }),
    close: () => Promise.resolve(),
    recordsOf: (topic) => sent.get(topic) ?? [],
    fetch: (place, fromOffset) => {
      const log = logOf(place);
      return { ...place, records: log.slice(fromOffset), nextOffset: log.length, endOffset: log.length };
    },
    append,
    failCommits: (error) => {
      failure = error;
    },
  };
  return kafka;
}

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const made: T[] = [];
  lists.set(key, made);
  return made;
}
