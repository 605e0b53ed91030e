import { MillraceError } from '../../../platform/errors.ts';
import type { Kafka, KafkaAdmin, LogRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import { lastMeta, type TaskMeta } from './task-meta.ts';

/** A log, as far as a changelog is read from it. */
export interface ChangelogSource extends Pick<Kafka, 'readToEnd'> {
  readonly admin: Pick<KafkaAdmin, 'offsets'>;
}

/** Offsets of the changelog, read and in all; holes count. */
export interface RestoreProgress {
  readonly restored: number;
  readonly total: number;
}

export interface ChangelogReading {
  /** Where to go on. */
  readonly position: number;
  /** Told what the last commit says, before anything is taken; throws where the rest is of no use. */
  readonly found: (meta: TaskMeta) => void;
  /** Takes records, in their order. */
  readonly take: (records: readonly LogRecord[]) => void;
  /** Told about each hundredth of the way. */
  readonly onProgress?: (progress: RestoreProgress) => void;
}

const STEPS = 100;
/** Records between two looks at the memory. */
const TAKEN_AT_ONCE = 1_000;

/**
 * Reads a changelog from a position to its end.
 * @returns the next position
 */
export async function readChangelog(
  kafka: ChangelogSource,
  changelog: TopicPartition,
  { position, found, take, onProgress }: ChangelogReading,
): Promise<number> {
  const { start, end } = await rangeOf(kafka, changelog);
  if (position > end)
    throw new MillraceError('MR_KAFKA_OFFSET_OUT_OF_RANGE', 'the changelog ends before what was read of it', {
      context: { ...changelog, offset: position, end },
    });
  const from = Math.max(start, position);
  if (from >= end) return from;
  const meta = await lastMeta(kafka, changelog, { from, end });
  if (meta !== undefined) found(meta);
  let next = from;
  let told = from;
  const tell = () => {
    told = next;
    onProgress?.({ restored: next - from, total: end - from });
  };
  tell();
  for await (const batch of kafka.readToEnd({ ...changelog, fromOffset: from })) {
    for (let at = 0; at < batch.records.length; at += TAKEN_AT_ONCE)
      take(batch.records.slice(at, at + TAKEN_AT_ONCE));
    next = batch.nextOffset;
    if ((next - told) * STEPS >= end - from && next < end) tell();
  }
  next = Math.max(next, end);
  tell();
  return next;
}

async function rangeOf(kafka: ChangelogSource, { topic, partition }: TopicPartition) {
  const ranges = await kafka.admin.offsets(topic);
  return ranges.find((range) => range.partition === partition) ?? { start: 0, end: 0 };
}
