import type { KafkaAdmin } from '../../../platform/kafka/port.ts';

/** How a topic lets go of its records. */
export interface Retention {
  readonly isCompacted: boolean;
  /** Infinity where records stay for ever. */
  readonly retentionMs: number;
  /** Whether records may go by size, at any age. */
  readonly isBySize: boolean;
}

const WEEK_MS = 7 * 86_400_000;

/** What brokers do by default where a topic does not say. */
export async function retentionOf(
  admin: Pick<KafkaAdmin, 'topicSettings'>,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Retention>> {
  const settings = await admin.topicSettings(topics);
  return new Map(
    topics.map((topic) => {
      const own = settings.get(topic) ?? {};
      const policy = own['cleanup.policy'] ?? 'delete';
      const ms = Number(own['retention.ms'] ?? WEEK_MS);
      return [
        topic,
        {
          isCompacted: policy.includes('compact'),
          retentionMs: !policy.includes('delete') || ms < 0 ? Number.POSITIVE_INFINITY : ms,
          isBySize: Number(own['retention.bytes'] ?? -1) >= 0,
        },
      ];
    }),
  );
}

/** Whether records of this log timestamp may be gone without anybody having deleted them. */
export function mayBeGone({ retentionMs, isBySize }: Retention, timestampMs: number, nowMs: number): boolean {
  return isBySize || timestampMs < nowMs - retentionMs;
}
