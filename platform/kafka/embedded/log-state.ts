import { MillraceError } from '../../errors.ts';
import type { TopicPartitionOffset } from '../port.ts';
import type {
  MetaOperation,
  OffsetTuple,
  SegmentNote,
  StateSnapshot,
  TopicSnapshot,
} from './meta-operation.ts';
import { PartitionLog } from './partition-log.ts';

export interface TopicState {
  readonly id: number;
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly partitions: readonly PartitionLog[];
  /** Kafka's max.message.bytes, here for one record. */
  readonly maxRecordBytes: number;
  cleanBytes: number;
}

const KAFKA_MAX_MESSAGE_BYTES = 1_048_588;

/** Topics, committed offsets and epochs as of the last durable frame. */
export class LogState {
  readonly #topics = new Map<string, TopicState>();
  readonly #topicsById = new Map<number, TopicState>();
  readonly #groups = new Map<string, Map<string, Map<number, number>>>();
  readonly #epochs = new Map<string, number>();
  #segments: readonly SegmentNote[] = [];
  #nextTopicId = 1;

  get topics(): Iterable<TopicState> {
    return this.#topics.values();
  }

  /** The closed segments that must be there, in id order. */
  get segments(): readonly SegmentNote[] {
    return this.#segments;
  }

  /** Replaces what is known of the closed segments. */
  noteSegments(segments: readonly SegmentNote[]): void {
    this.#segments = [...segments].sort((a, b) => a.id - b.id);
  }

  topic(name: string): TopicState | undefined {
    return this.#topics.get(name);
  }

  topicById(id: number): TopicState | undefined {
    return this.#topicsById.get(id);
  }

  /** Rejects with MR_KAFKA_TOPIC_MISMATCH where the topic or the partition does not exist. */
  partition(topic: string, partition: number): PartitionLog {
    const found = this.#topics.get(topic)?.partitions[partition];
    if (found !== undefined) return found;
    throw new MillraceError('MR_KAFKA_TOPIC_MISMATCH', 'no such topic or partition', {
      context: { topic, partition },
    });
  }

  committed(groupId: string, topic: string): TopicPartitionOffset[] {
    const offsets = this.#groups.get(groupId)?.get(topic) ?? new Map<number, number>();
    return [...offsets]
      .sort(([a], [b]) => a - b)
      .map(([partition, offset]) => ({ topic, partition, offset }));
  }

  epoch(transactionalId: string): number {
    return this.#epochs.get(transactionalId) ?? 0;
  }

  /** Takes the next epoch at once: commits that are asked for from now on are checked against it. */
  claimEpoch(transactionalId: string): number {
    const epoch = this.epoch(transactionalId) + 1;
    this.#epochs.set(transactionalId, epoch);
    return epoch;
  }

  takeTopicId(): number {
    return this.#nextTopicId++;
  }

  apply(operation: MetaOperation): void {
    switch (operation.op) {
      case 'topic':
        this.#addTopic(operation.topic);
        return;
      case 'delete-topic':
        this.#deleteTopic(operation.topicId);
        return;
      case 'offsets':
        this.#commit(operation.groupId, operation.offsets);
        return;
      case 'epoch':
        this.#epochs.set(
          operation.transactionalId,
          Math.max(operation.epoch, this.epoch(operation.transactionalId)),
        );
        return;
      case 'start':
        this.#topicsById.get(operation.topicId)?.partitions[operation.partition]?.trimTo(operation.offset);
        return;
      case 'compacted':
        this.#noteCompacted(operation.topicId, operation.cleanBytes);
        return;
      case 'removed':
        this.noteSegments(this.#without(operation.ids));
        return;
      case 'rewritten':
        this.noteSegments([...this.#without(operation.ids), operation.into]);
        return;
      case 'snapshot':
        this.#restore(operation.state);
    }
  }

  /** The whole state; `closing` is the segment that this snapshot's own segment follows. */
  snapshot(closing?: SegmentNote): StateSnapshot {
    return {
      nextTopicId: this.#nextTopicId,
      topics: [...this.#topics.values()].map(topicSnapshot),
      groups: [...this.#groups].map(([groupId, topics]) => [groupId, offsetTuples(topics)] as const),
      epochs: [...this.#epochs],
      segments: [...this.#segments, ...(closing === undefined ? [] : [closing])],
    };
  }

  #without(ids: readonly number[]): SegmentNote[] {
    return this.#segments.filter(({ id }) => !ids.includes(id));
  }

  #restore(state: StateSnapshot): void {
    this.#segments = state.segments;
    this.#nextTopicId = state.nextTopicId;
    for (const topic of state.topics) this.#addTopic(topic);
    for (const [groupId, offsets] of state.groups) this.#commit(groupId, offsets);
    for (const [transactionalId, epoch] of state.epochs) this.#epochs.set(transactionalId, epoch);
  }

  #addTopic(snapshot: TopicSnapshot): void {
    const { id, topic, config, cleanBytes } = snapshot;
    const partitions = snapshot.partitions.map(
      ([start, end], partition) => new PartitionLog({ topicId: id, topic, partition, start, end }),
    );
    const maxRecordBytes = Number(config['max.message.bytes'] ?? KAFKA_MAX_MESSAGE_BYTES);
    const state = { id, name: topic, config, partitions, maxRecordBytes, cleanBytes };
    this.#topics.set(topic, state);
    this.#topicsById.set(id, state);
    this.#nextTopicId = Math.max(this.#nextTopicId, id + 1);
  }

  #deleteTopic(topicId: number): void {
    const topic = this.#topicsById.get(topicId);
    if (topic === undefined) return;
    this.#topicsById.delete(topicId);
    this.#topics.delete(topic.name);
    for (const group of this.#groups.values()) group.delete(topic.name);
    for (const partition of topic.partitions) partition.delete();
  }

  #noteCompacted(topicId: number, cleanBytes: number): void {
    const topic = this.#topicsById.get(topicId);
    if (topic !== undefined) topic.cleanBytes = cleanBytes;
  }

  #commit(groupId: string, offsets: readonly OffsetTuple[]): void {
    let group = this.#groups.get(groupId);
    if (group === undefined) this.#groups.set(groupId, (group = new Map<string, Map<number, number>>()));
    for (const [topic, partition, offset] of offsets) {
      let partitions = group.get(topic);
      if (partitions === undefined) group.set(topic, (partitions = new Map<number, number>()));
      partitions.set(partition, offset);
    }
  }
}

function topicSnapshot(topic: TopicState): TopicSnapshot {
  return {
    id: topic.id,
    topic: topic.name,
    config: topic.config,
    partitions: topic.partitions.map((partition) => [partition.start, partition.end]),
    cleanBytes: topic.cleanBytes,
  };
}

function offsetTuples(topics: ReadonlyMap<string, ReadonlyMap<number, number>>): OffsetTuple[] {
  return [...topics].flatMap(([topic, partitions]) =>
    [...partitions].map(([partition, offset]): OffsetTuple => [topic, partition, offset]),
  );
}
