import { MillraceError } from '../../platform/errors.ts';
import type { LogReader, PartitionRange } from '../../platform/kafka/log-reader.ts';
import { partitionFor } from '../../platform/kafka/partitioner.ts';
import type { LogRecord, TopicPartition, TopicPartitionOffset } from '../../platform/kafka/port.ts';
import type { AlertRaised } from '../../schemas/generated/events.ts';
import { ALERT_EVIDENCE_TOPIC, namespaced, SHOP_TOPICS } from '../../schemas/topics.ts';
import { decodeEvent, isRecord, WireFormatError } from '../../schemas/wire-format.ts';
import { decodeEvidence, type Evidence } from '../runtime/evidence/evidence.ts';

/** What the topic of the alerts holds of one: as it was decided, something else, or nothing (any more). */
export type Published = 'as decided' | 'altered' | 'gone';

export interface FoundEvidence {
  readonly evidence: Evidence;
  /** Where it is, with the namespace. */
  readonly place: TopicPartitionOffset;
  /** How often the alert was decided. */
  readonly times: number;
  readonly published: Published;
}

/**
 * The latest evidence of an alert, and whether the alert is in its topic as it was decided.
 * @throws MillraceError MR_EXPLAIN_NOT_FOUND, MR_EXPLAIN_NO_EVIDENCE, MR_EXPLAIN_EVIDENCE_INVALID
 */
export async function findEvidence(
  log: LogReader,
  namespace: string,
  alertId: string,
): Promise<FoundEvidence> {
  const topic = namespaced(namespace, ALERT_EVIDENCE_TOPIC.name);
  const ranges = await rangesOf(log, topic);
  let found: { readonly evidence: Evidence; readonly place: TopicPartitionOffset } | undefined;
  let times = 0;
  if (ranges.length > 0) {
    const place = { topic, partition: partitionFor(alertId, ranges.length) };
    for await (const { key, value, offset } of read(log, place)) {
      if (value === null || key?.toString('utf8') !== alertId) continue;
      found = { evidence: decodeEvidence(value), place: { ...place, offset } };
      times += 1;
    }
  }
  if (found === undefined) throw await withoutEvidence(log, namespace, alertId);
  return { ...found, times, published: await publishedAs(log, namespace, found.evidence) };
}

async function publishedAs(
  log: LogReader,
  namespace: string,
  { id, decision }: Evidence,
): Promise<Published> {
  const topic = namespaced(namespace, decision.topic);
  const ranges = await rangesOf(log, topic);
  if (ranges.length === 0) return 'gone';
  const decided = Buffer.from(decision.value, 'base64');
  let published: Published = 'gone';
  for await (const { value } of read(log, { topic, partition: partitionFor(decision.key, ranges.length) })) {
    if (value === null || !value.includes(id)) continue;
    if (value.equals(decided)) return 'as decided';
    if (alertIn(value)?.alertId === id) published = 'altered';
  }
  return published;
}

/** Why there is none: the alert is known nevertheless, or not at all. */
async function withoutEvidence(log: LogReader, namespace: string, alertId: string): Promise<MillraceError> {
  const topic = namespaced(namespace, SHOP_TOPICS.alerts.name);
  for (const { partition } of await rangesOf(log, topic)) {
    for await (const { value, offset, timestampMs } of read(log, { topic, partition })) {
      if (!value?.includes(alertId)) continue;
      const alert = alertIn(value);
      if (alert?.alertId !== alertId) continue;
      return new MillraceError(
        'MR_EXPLAIN_NO_EVIDENCE',
        `the alert ${alertId} (${alert.kind}: ${alert.summary}) was raised at ${new Date(timestampMs).toISOString()}, and is ${topic}/${partition}/${offset}; nothing is kept of the step that raised it`,
      );
    }
  }
  return new MillraceError('MR_EXPLAIN_NOT_FOUND', `no alert ${alertId} in ${topic}, and no evidence of one`);
}

/** Undefined for what is no alert. */
function alertIn(value: Buffer): AlertRaised | undefined {
  try {
    const event = decodeEvent(value);
    return isRecord(event, 'AlertRaised') ? event : undefined;
  } catch (error) {
    if (error instanceof WireFormatError) return undefined;
    throw error;
  }
}

/** Empty where there is no such topic. */
export async function rangesOf(log: LogReader, topic: string): Promise<readonly PartitionRange[]> {
  if (!(await log.topicNames()).includes(topic)) return [];
  return (await log.offsets([topic])).get(topic) ?? [];
}

export async function* read(log: LogReader, place: TopicPartition): AsyncGenerator<LogRecord, undefined> {
  for await (const { records } of log.readToEnd(place)) yield* records;
}
