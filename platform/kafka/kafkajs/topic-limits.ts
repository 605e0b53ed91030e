import { hasCode } from '../../errors.ts';
import type { KafkaAdmin, ProduceRecord, RefusedRecord } from '../port.ts';
import { limitsOf, refusalOf, type RecordLimits } from '../record-limits.ts';
import { BATCH_HEADER_BYTES } from './protocol/record-batch-reader.ts';
import { encodeRecordBatch, sizeHint } from './protocol/record-batch-writer.ts';

/** Larger records have the limits of their topic looked up before they are sent; no sane topic takes less. */
const LARGE_BYTES = 64 * 1024;

/**
 * What topics take, shared by the producers of a process. Settings are asked for when a large record comes or a topic has
 * refused something, and anew before a record is called refused, since the operator may have raised a limit.
 */
export interface TopicLimits {
  /** As {@link TransactionalProducer.refused}. */
  refused(records: readonly ProduceRecord[]): Promise<readonly RefusedRecord[]>;
  /** A commit with these records was refused: what their topics take is looked up and remembered. */
  learn(records: readonly ProduceRecord[]): Promise<void>;
}

/** @param now clock, epoch ms */
export function createTopicLimits(admin: Pick<KafkaAdmin, 'topicSettings'>, now: () => number): TopicLimits {
  const known = new Map<string, RecordLimits>();

  const learn = async (topics: ReadonlySet<string>): Promise<void> => {
    for (const [topic, limits] of await readLimits(admin, topics)) known.set(topic, limits);
  };
  const judge = (records: readonly ProduceRecord[]): RefusedRecord[] => {
    const nowMs = now();
    return records.flatMap((record, index) => {
      const limits = known.get(record.topic);
      if (limits === undefined) return [];
      const reason = refusalOf(record, { limits, batchBytes: batchBytesOf(record, limits, nowMs), nowMs });
      return reason === undefined ? [] : [{ index, reason }];
    });
  };

  return {
    async refused(records) {
      const unknown = records.filter((record) => !known.has(record.topic) && isLarge(record));
      if (unknown.length > 0) await learn(topicsOf(unknown));
      const refused = judge(records);
      if (refused.length === 0) return refused;
      await learn(topicsOf(refused.flatMap(({ index }) => records[index] ?? [])));
      return judge(records);
    },
    learn: (records) => learn(topicsOf(records)),
  };
}

/** None where this log-in may not ask: then the broker's refusal of a commit is all that there is. */
async function readLimits(
  admin: Pick<KafkaAdmin, 'topicSettings'>,
  topics: ReadonlySet<string>,
): Promise<readonly (readonly [string, RecordLimits])[]> {
  try {
    const settings = await admin.topicSettings([...topics]);
    return [...settings].map(([topic, found]) => [topic, limitsOf(found)] as const);
  } catch (error) {
    if (hasCode(error, 'MR_KAFKA_FAILED')) return [];
    throw error;
  }
}

function topicsOf(records: readonly ProduceRecord[]): ReadonlySet<string> {
  return new Set(records.map(({ topic }) => topic));
}

function isLarge(record: ProduceRecord): boolean {
  return (record.value?.length ?? 0) + 3 * (record.key?.length ?? 0) > LARGE_BYTES || headersAreLarge(record);
}

function headersAreLarge({ headers }: ProduceRecord): boolean {
  let characters = 0;
  for (const name in headers) characters += headers[name]?.length ?? 0;
  return 3 * characters > LARGE_BYTES;
}

/** Of a batch with this record alone; only one that is near the limit is measured. */
function batchBytesOf(record: ProduceRecord, { maxBatchBytes }: RecordLimits, nowMs: number): number {
  const { key, value, headers, timestampMs = nowMs } = record;
  const one = { key, value, headers, timestampMs };
  const bound = BATCH_HEADER_BYTES + sizeHint(one);
  if (bound <= maxBatchBytes) return bound;
  const identity = { producerId: 0, producerEpoch: 0, baseSequence: 0, transactional: true };
  return encodeRecordBatch({ ...identity, records: [one] }).length;
}
