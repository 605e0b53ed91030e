import type { ProduceRecord } from './port.ts';

/** What a topic of Apache Kafka takes, by its settings. */
export interface RecordLimits {
  readonly maxBatchBytes: number;
  /** Such a topic refuses records without a key. */
  readonly isCompacted: boolean;
  /** How far ahead of the broker's clock a timestamp may be. */
  readonly maxAheadMs: number;
}

/** A topic's settings as limits; what they do not name is not limited. */
export function limitsOf(settings: Readonly<Record<string, string>>): RecordLimits {
  return {
    maxBatchBytes: numberIn(settings, 'max.message.bytes'),
    isCompacted: (settings['cleanup.policy'] ?? '').includes('compact'),
    maxAheadMs:
      settings['message.timestamp.type'] === 'LogAppendTime'
        ? Number.POSITIVE_INFINITY
        : numberIn(settings, 'message.timestamp.after.max.ms'),
  };
}

/**
 * Why a topic refuses a record for good; undefined where it takes it.
 * @param batchBytes of a batch with this record alone
 */
export function refusalOf(
  record: ProduceRecord,
  { limits, batchBytes, nowMs }: { limits: RecordLimits; batchBytes: number; nowMs: number },
): string | undefined {
  const { topic, key, timestampMs = nowMs } = record;
  if (batchBytes > limits.maxBatchBytes) return tooLargeText(record, batchBytes);
  if (limits.isCompacted && key === null)
    return `topic ${topic} is compacted and takes no record without a key`;
  if (timestampMs - nowMs > limits.maxAheadMs)
    return `the timestamp is further ahead than topic ${topic} takes (message.timestamp.after.max.ms)`;
  return undefined;
}

export function tooLargeText({ topic }: Pick<ProduceRecord, 'topic'>, bytes: number): string {
  return `a record of ${bytes} bytes is larger than topic ${topic} takes (max.message.bytes)`;
}

function numberIn(settings: Readonly<Record<string, string>>, name: string): number {
  const value = Number(settings[name] ?? '');
  return settings[name] === undefined || !Number.isFinite(value) ? Number.POSITIVE_INFINITY : value;
}
