import type { TopicState } from './log-state.ts';
import type { MetaOperation } from './meta-operation.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Segment, SegmentPart } from './segment.ts';

/** Kafka's defaults: a week, any size, tombstones for a day. */
const WEEK_MS = 7 * 24 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

export interface RetentionPolicy {
  readonly deletes: boolean;
  readonly compacts: boolean;
  /** Infinity where unlimited, which Kafka writes as -1. */
  readonly retentionMs: number;
  /** Of each partition, as in Kafka. */
  readonly retentionBytes: number;
  readonly deleteRetentionMs: number;
}

export function retentionPolicy(config: Readonly<Record<string, string>>): RetentionPolicy {
  const policies = (config['cleanup.policy'] ?? 'delete').split(',').map((policy) => policy.trim());
  return {
    deletes: policies.includes('delete'),
    compacts: policies.includes('compact'),
    retentionMs: limit(config['retention.ms'], WEEK_MS),
    retentionBytes: limit(config['retention.bytes'], Infinity),
    deleteRetentionMs: limit(config['delete.retention.ms'], DAY_MS),
  };
}

function limit(setting: string | undefined, otherwise: number): number {
  const value = Number(setting ?? otherwise);
  return value < 0 || Number.isNaN(value) ? Infinity : value;
}

/** What a partition has in the closed segments, the oldest first. The active segment is never cleaned, as in Kafka. */
export function closedParts(
  partition: PartitionLog,
  closed: ReadonlySet<Segment>,
): { readonly segment: Segment; readonly part: SegmentPart }[] {
  return partition.segments.flatMap((segment) => {
    const part = closed.has(segment) ? segment.part(partition.topicId, partition.partition) : undefined;
    return part === undefined ? [] : [{ segment, part }];
  });
}

/**
 * The new first offset of each partition that has records past their time or size. Whole parts of a segment go, as
 * Kafka drops whole segments: a part stays until its youngest record is too old.
 */
export function expiredStarts(
  topic: TopicState,
  closed: ReadonlySet<Segment>,
  nowMs: number,
): MetaOperation[] {
  const policy = retentionPolicy(topic.config);
  if (!policy.deletes) return [];
  return topic.partitions.flatMap((partition): MetaOperation[] => {
    const parts = closedParts(partition, closed);
    let bytes = storedBytes(partition);
    let offset = partition.start;
    for (const { part } of parts) {
      const isOld = part.maxTimestampMs < nowMs - policy.retentionMs;
      if (!isOld && bytes - part.bytes < policy.retentionBytes) break;
      bytes -= part.bytes;
      offset = part.last + 1;
    }
    if (offset === partition.start) return [];
    return [{ op: 'start', topicId: topic.id, partition: partition.partition, offset }];
  });
}

/** Whether a segment holds a part that only time keeps it from dropping: an idle topic must let go of its records too. */
export function hasExpired(topic: TopicState, segment: Segment, nowMs: number): boolean {
  const policy = retentionPolicy(topic.config);
  if (!policy.deletes) return false;
  return topic.partitions.some(({ partition, start }) => {
    const part = segment.part(topic.id, partition);
    return part !== undefined && part.last >= start && part.maxTimestampMs < nowMs - policy.retentionMs;
  });
}

function storedBytes(partition: PartitionLog): number {
  const { topicId } = partition;
  return partition.segments.reduce(
    (sum, segment) => sum + (segment.part(topicId, partition.partition)?.bytes ?? 0),
    0,
  );
}
