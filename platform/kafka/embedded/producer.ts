import { errorText, MillraceError } from '../../errors.ts';
import { partitionFor } from '../partitioner.ts';
import { tooLargeText } from '../record-limits.ts';
import type { Producer, ProduceRecord, RefusedRecord, TopicPartitionOffset } from '../port.ts';
import type { CommitGroup } from './commit-group.ts';
import type { Journal } from './journal.ts';
import type { LogState, TopicState } from './log-state.ts';
import type { PartitionLog } from './partition-log.ts';
import { maxEncodedBytes } from './record-codec.ts';
import { MustStop } from './segment-writer.ts';

export interface ProducerOptions {
  readonly journal: Journal;
  readonly now: () => number;
}

/** Appends to the open group: a send resolves when the group's frame is durable. */
export class EmbeddedProducer implements Producer {
  readonly #options: ProducerOptions;
  #keyless = 0;
  #isClosed = false;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  async send(records: readonly ProduceRecord[]): Promise<readonly TopicPartitionOffset[]> {
    const { journal, now } = this.#options;
    if (this.#isClosed) throw closedProducer();
    if (records.length === 0) return [];
    const places = placeRecords(journal.state, records, this.#keyless++);
    const group = openGroup(journal);
    const offsets = addRecords(group, { records, places, nowMs: now() });
    try {
      await group.done;
    } catch (cause) {
      throw writeFailed(cause);
    }
    return offsets;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

export function closedProducer(): MillraceError {
  return new MillraceError('MR_KAFKA_UNAVAILABLE', 'the producer is closed', { retryable: false });
}

/** The group to add to; a log that has stopped refuses with the reason. */
export function openGroup(journal: Journal): CommitGroup {
  try {
    return journal.group();
  } catch (cause) {
    throw cause instanceof MillraceError ? cause : writeFailed(cause);
  }
}

/** What the log failed to write, as callers of the port see it. */
export function writeFailed(cause: unknown): MillraceError {
  const message = `the embedded log could not write: ${errorText(cause)}`;
  // A file in an unknown state takes no more writes until the log is opened again.
  return new MillraceError('MR_KAFKA_PRODUCE_FAILED', message, {
    cause,
    retryable: !(cause instanceof MustStop),
  });
}

/**
 * The partition of each record. Rejects all of them with MR_KAFKA_PRODUCE_FAILED where one has no place: nothing is
 * written then. Records without a key go to one partition for each call, as with Kafka's sticky partitioner.
 */
export function placeRecords(
  state: LogState,
  records: readonly ProduceRecord[],
  keyless: number,
): readonly PartitionLog[] {
  let topic: TopicState | undefined;
  return records.map((record) => {
    if (topic?.name !== record.topic) topic = state.topic(record.topic);
    if (topic === undefined) throw refused('the topic does not exist', record);
    const count = topic.partitions.length;
    const partition =
      record.partition ?? (record.key === null ? keyless % count : partitionFor(record.key, count));
    const found = topic.partitions[partition];
    if (found === undefined) throw refused('the topic has no such partition', record);
    if (isTooLarge(record, topic.maxRecordBytes)) throw tooLarge(record, topic.maxRecordBytes);
    return found;
  });
}

/** The records that are larger than their topics take. */
export function tooLargeRecords(
  state: LogState,
  records: readonly ProduceRecord[],
): readonly RefusedRecord[] {
  return records.flatMap((record, index) => {
    const maxBytes = state.topic(record.topic)?.maxRecordBytes ?? Number.POSITIVE_INFINITY;
    return isTooLarge(record, maxBytes) ? [{ index, reason: tooLargeText(record, bytesOf(record)) }] : [];
  });
}

/** The bound is cheap; only a record near the limit is measured. */
function isTooLarge(record: ProduceRecord, maxBytes: number): boolean {
  return maxEncodedBytes(record) > maxBytes && bytesOf(record) > maxBytes;
}

function bytesOf({ key, value }: ProduceRecord): number {
  return (key === null ? 0 : Buffer.byteLength(key)) + (value?.length ?? 0);
}

function tooLarge(record: ProduceRecord, maxBytes: number): MillraceError {
  const bytes = bytesOf(record);
  const { topic, partition } = record;
  return new MillraceError('MR_KAFKA_PRODUCE_FAILED', tooLargeText(record, bytes), {
    ...{ context: { topic, partition, bytes, maxBytes }, retryable: false },
  });
}

function refused(message: string, record: ProduceRecord): MillraceError {
  const context = { topic: record.topic, partition: record.partition };
  return new MillraceError('MR_KAFKA_PRODUCE_FAILED', message, { context, retryable: false });
}

/** Adds placed records; answers the offsets that they will have. */
export function addRecords(
  group: CommitGroup,
  add: {
    readonly records: readonly ProduceRecord[];
    readonly places: readonly PartitionLog[];
    readonly nowMs: number;
  },
): TopicPartitionOffset[] {
  const { records, places, nowMs } = add;
  const offsets: TopicPartitionOffset[] = [];
  for (let i = 0; i < records.length; i++) {
    const record = records[i];
    const place = places[i];
    if (record === undefined || place === undefined) break;
    const offset = group.add(place, record, record.timestampMs ?? nowMs);
    offsets.push({ topic: place.topic, partition: place.partition, offset });
  }
  return offsets;
}
