import type { EngineInfo } from '../engine-info.ts';

/**
 * The Kafka port: what the product needs of a partitioned, transactional log, and no more. Two engines stand
 * behind it: kafkajs against Apache Kafka, and an embedded log on disk. kafka.contract.ts holds both to it.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `offset` is the next offset to read, as Kafka's committed offsets are. Offsets are safe integers. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number;
}

export interface ProduceRecord {
  readonly topic: string;
  /**
   * Text, or the bytes of a foreign key that may be no text; null only where the topic's contract has none. Decides the
   * partition (Java's murmur2).
   */
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Overrides the partitioner; the state of a task belongs to the partition of the task. */
  readonly partition?: number;
  /** Kafka record timestamp, epoch milliseconds: the ingest time. Now where absent. */
  readonly timestampMs?: number;
}

/** Key and value may share the memory of a whole answer of a broker: copy what is kept beyond the next poll. */
export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Empty object where the record has none. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Records of one partition in offset order. Holes (control records, compaction) are normal. */
export interface RecordBatch extends TopicPartition {
  readonly records: readonly LogRecord[];
  /** Where the next fetch goes on: at least last record + 1, more where control records follow. */
  readonly nextOffset: number;
  /** Last stable offset seen by this fetch; `nextOffset >= endOffset` means caught up. */
  readonly endOffset: number;
}

/** Idempotent, acks=all producer. Resolves only when every record of every partition was acknowledged. */
export interface Producer {
  /**
   * Appends the records; the answer names the offset of each, in the order given. Records of one partition keep
   * their order. Calls may overlap; the port queues them. Rejects with MR_KAFKA_PRODUCE_FAILED or
   * MR_KAFKA_UNAVAILABLE; then some may have been written, none is acknowledged.
   */
  send(records: readonly ProduceRecord[]): Promise<readonly TopicPartitionOffset[]>;
  close(): Promise<void>;
}

export interface TransactionalId {
  readonly transactionalId: string;
  /** Consumer group whose offsets move with the transactions. */
  readonly groupId: string;
}

export interface Transaction {
  readonly records: readonly ProduceRecord[];
  /** Input offsets that become committed with the records. */
  readonly offsets: readonly TopicPartitionOffset[];
}

/** A record that its topic takes under no circumstances. */
export interface RefusedRecord {
  /** Among the records that were asked about. */
  readonly index: number;
  /** Without anything that the record holds. */
  readonly reason: string;
}

/**
 * One transactional id. `init` fences every older holder of the id and settles its open transaction; read committed
 * offsets and state only after it. `commit` runs one whole transaction: all of it becomes visible to readers, or
 * none; a broker may show it a moment after it has acknowledged it, and always before a later `init` of the id. After any rejection the producer is unusable: close it and start from the last committed state.
 * Rejects with MR_KAFKA_FENCED (another holder) or MR_KAFKA_TRANSACTION_UNKNOWN (outcome not known); a record that the
 * log refuses for good, such as one that is too large, rejects with its own error, and nothing is committed.
 */
export interface TransactionalProducer {
  init(): Promise<void>;
  commit(transaction: Transaction): Promise<void>;
  /**
   * Appends records in no transaction, but in the name of the id: readers may see each at once, and a partition that a
   * newer holder has written to refuses them. Rejects as `commit` does; then some of them may have been appended.
   */
  append(records: readonly ProduceRecord[]): Promise<void>;
  /**
   * Those of the records that their topics would refuse for good, such as ones that are too large, so that they can be
   * put aside before a commit. Asks the log only where it has a reason to: a topic that has been given a lower limit may
   * refuse a commit once, and this tells which records to blame from then on. Rejects with MR_KAFKA_UNAVAILABLE.
   */
  refused(records: readonly ProduceRecord[]): Promise<readonly RefusedRecord[]>;
  close(): Promise<void>;
}

/** A member of a group as a new assignment finds it. */
export interface AssignedMember {
  readonly memberId: string;
  /**
   * What it owned last, so that it can keep it; empty for a new member. No partition is owned by two: where two claim
   * one, the claim of the younger generation counts.
   */
  readonly owned: readonly TopicPartition[];
}

/**
 * Decides which member owns which partitions. `members` come in the order of their ids; `topics` has the partition count
 * of each subscribed topic; the answer names, for each member id, its partitions. Must be pure and the same on each
 * member.
 */
export type Assign = (
  members: readonly AssignedMember[],
  topics: ReadonlyMap<string, number>,
) => ReadonlyMap<string, readonly TopicPartition[]>;

export interface GroupConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly assign: Assign;
  /** At most this many records in one batch of one partition; 5,000 where absent. */
  readonly maxBatchRecords?: number;
  /**
   * How long a rebalance waits for this member's `onRevoked`; 60 s where absent. A member that takes longer is expelled:
   * its partitions go to others, and it joins again, as a new member, when its hook has ended.
   */
  readonly rebalanceTimeoutMs?: number;
}

/**
 * A member of a consumer group, read by polling; heartbeats go on by themselves. `poll` delivers only partitions that
 * were assigned, started with `seek` and not paused: after an assignment nothing flows until the owner has sought.
 * Reads committed records only.
 */
export interface GroupConsumer {
  /**
   * Joins the group. `onAssigned` gets the full new assignment after each rebalance, `onRevoked` the full old one
   * before; both are awaited before the next poll returns records. `onAssigned` is called also when nothing changed.
   */
  start(hooks: {
    onAssigned(partitions: readonly TopicPartition[]): Promise<void>;
    onRevoked(partitions: readonly TopicPartition[]): Promise<void>;
  }): Promise<void>;
  /** Sets the next offset to read and starts delivery of that partition. */
  seek(position: TopicPartitionOffset): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /**
   * Batches that are ready, at most one for each partition; waits up to maxWaitMs for the first. A batch without
   * records is given once for a partition that is caught up (`nextOffset >= endOffset`), so that the reader can tell
   * idle from slow. A poll that waits when the consumer is closed resolves with nothing; a later one rejects. Rejects with MR_KAFKA_OFFSET_OUT_OF_RANGE, MR_KAFKA_UNAVAILABLE (goes on by itself: poll again).
   */
  poll(maxWaitMs: number): Promise<readonly RecordBatch[]>;
  /**
   * Commits offsets of partitions that it owns, outside of any transaction: for whoever can bear to process records again.
   * Rejects with MR_KAFKA_FENCED where the member is no longer of the group as it is now, and with MR_KAFKA_UNAVAILABLE,
   * after which they may be committed or not.
   */
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /** Leaves the group. Idempotent. */
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Kafka topic settings, such as cleanup.policy. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface KafkaAdmin {
  /**
   * Creates what is missing; MR_KAFKA_TOPIC_MISMATCH where a topic exists with another partition count, or with another
   * cleanup.policy than the one asked for: that would lose what should be kept. Other settings are the operator's.
   */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Partition count of each named topic that exists. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Names of all topics but the engine's own, in order. */
  topicNames(): Promise<readonly string[]>;
  /**
   * Settings of each named topic that exists: all in force on Apache Kafka, defaults included; those that it was created
   * with in the embedded log.
   */
  topicSettings(topics: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>;
  deleteTopics(topics: readonly string[]): Promise<void>;
  /** First offset and last stable offset of each partition of a topic. */
  offsets(topic: string): Promise<readonly { partition: number; start: number; end: number }[]>;
  /** Whether every transaction on a topic is decided and shown to readers, as of some moment of the call. */
  isSettled(topic: string): Promise<boolean>;
  /** Committed offsets of a group on a topic; a partition without one is absent. */
  committed(groupId: string, topic: string): Promise<readonly TopicPartitionOffset[]>;
  /**
   * Members that a group has now; 0 where there is no such group. A member that was killed counts until its session
   * has timed out. The embedded log knows those of this process, which are all.
   */
  groupMembers(groupId: string): Promise<number>;
}

export interface Kafka {
  readonly kind: 'real' | 'embedded';
  readonly admin: KafkaAdmin;
  producer(): Producer;
  transactionalProducer(id: TransactionalId): TransactionalProducer;
  groupConsumer(options: GroupConsumerOptions): GroupConsumer;
  /**
   * Reads one partition from an offset (or from its start) to its last stable offset at the time of the call, without
   * a group. Restores state, reads dead letters. Yields nothing for an empty partition.
   */
  readToEnd(source: TopicPartition & { readonly fromOffset?: number }): AsyncIterable<RecordBatch>;
  /**
   * Resolves when the log answers. Rejects within `timeoutMs` with MR_KAFKA_UNAVAILABLE, or at once with what will not
   * pass: MR_ENGINE_TLS_FAILED, MR_ENGINE_AUTH_FAILED, MR_ENGINE_TOO_OLD.
   */
  ping(timeoutMs: number): Promise<void>;
  /** What answers; rejects as `ping` does. */
  info(timeoutMs: number): Promise<EngineInfo>;
  /** Closes everything that was made here. Idempotent. */
  close(): Promise<void>;
}
