/**
 * Appends records to partitions with a producer id and sequences: the part that idempotent and transactional producers
 * share. A batch counts as written only when the answer names its partition without an error. Whatever else happens —
 * no answer, a moved leader, an answer that leaves the partition out — the same bytes with the same sequence go out
 * again, and the broker drops what it already has. So no acknowledged record can be lost and none is written twice.
 */
import { MillraceError, type ErrorCode } from '../../errors.ts';
import type { TopicPartition } from '../port.ts';
import { tooLargeText } from '../record-limits.ts';
import { untilDone, type Attempt } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import { partitionKey } from './protocol/by-topic.ts';
import { PRODUCE, type ProduceResponse } from './protocol/data-api.ts';
import {
  brokerError,
  FENCED,
  NONE,
  STALE_LEADER,
  UNKNOWN_TOPIC_OR_PARTITION,
} from './protocol/error-codes.ts';
import { encodeRecordBatch, sizeHint, type BatchRecord } from './protocol/record-batch-writer.ts';

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Null for the idempotent producer. */
  readonly transactionalId: string | null;
}

/** Records for one partition, in order. */
export interface PartitionAppend extends TopicPartition {
  readonly records: readonly BatchRecord[];
}

export type AppendOutcome =
  /** Offset of each record, in order. */
  { readonly offsets: readonly number[] } | { readonly error: MillraceError };

export interface AppendLimits {
  /** The broker's message.max.bytes is 1 MiB unless changed. */
  readonly maxBatchBytes: number;
  readonly maxRequestBytes: number;
  /** How long a batch is tried before it counts as failed. */
  readonly deliveryTimeoutMs: number;
  /** How long a broker may wait for its replicas. */
  readonly produceTimeoutMs: number;
}

export const APPEND_LIMITS: AppendLimits = {
  maxBatchBytes: 900_000,
  maxRequestBytes: 8_000_000,
  deliveryTimeoutMs: 20_000,
  produceTimeoutMs: 8_000,
};

export interface Appender {
  /**
   * Appends all; one outcome for each, in the order given. One call at a time. Never rejects.
   * @param isPlain outside of any transaction, also by the holder of a transactional id
   */
  append(appends: readonly PartitionAppend[], isPlain?: boolean): Promise<readonly AppendOutcome[]>;
  /** True after an append whose fate is unknown: its sequence must not be used again, so a new identity is due. */
  readonly spoiled: boolean;
}

/** NOT_ENOUGH_REPLICAS (19, 20), time-outs and corruption on the way: the same bytes may pass later. */
const RETRIABLE = new Set([2, 7, 13, 19, 20, 51, ...STALE_LEADER]);
/** Refused before anything was appended: the sequence is free again. */
const NOT_APPENDED = new Set([10, 17, 18, 29, 32, 44, 87]);
/** MESSAGE_TOO_LARGE and RECORD_LIST_TOO_LARGE: fewer records at a time may pass (KIP-126). */
const TOO_LARGE = new Set([10, 18]);
const MAX_SEQUENCE = 2 ** 31;

interface Batch extends TopicPartition {
  readonly append: number;
  readonly first: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** Where in an append a batch begins. */
interface BatchStart {
  readonly index: number;
  readonly first: number;
  readonly isPlain: boolean;
  readonly maxBytes?: number;
}

export function createAppender(
  client: ClusterClient,
  identity: ProducerIdentity,
  limits: AppendLimits = APPEND_LIMITS,
): Appender {
  const sequences = new Map<string, number>();
  let spoiled = false;

  /** Writes one partition's records batch by batch: at most one batch of a partition is ever in flight. */
  const nextBatch = (
    append: PartitionAppend,
    { index, first, isPlain, maxBytes = limits.maxBatchBytes }: BatchStart,
  ): Batch => {
    const baseSequence = sequences.get(partitionKey(append)) ?? 0;
    const records = append.records.slice(first, cutAt(append.records, first, maxBytes));
    const bytes = encodeRecordBatch({
      ...identity,
      records,
      baseSequence,
      transactional: identity.transactionalId !== null && !isPlain,
    });
    return {
      topic: append.topic,
      partition: append.partition,
      append: index,
      first,
      count: records.length,
      bytes,
    };
  };

  return {
    get spoiled() {
      return spoiled;
    },
    async append(appends, isPlain = false) {
      const transactionalId = isPlain ? null : identity.transactionalId;
      const offsets = appends.map((append) => new Array<number>(append.records.length));
      const failed = new Map<number, MillraceError>();
      let batches = appends.flatMap((append, i) =>
        append.records.length === 0 ? [] : [nextBatch(append, { index: i, first: 0, isPlain })],
      );
      while (batches.length > 0) {
        const results = await sendBatches(client, transactionalId, { batches, limits });
        batches = batches.flatMap((batch) => {
          const result = results.get(batch);
          const append = appends[batch.append];
          if (result === undefined || append === undefined) throw unacknowledged(batch);
          if ('error' in result && result.tooLarge === true && batch.count > 1)
            return [
              nextBatch(append, {
                index: batch.append,
                first: batch.first,
                isPlain,
                maxBytes: batch.bytes.length / 2,
              }),
            ];
          if ('error' in result) {
            spoiled ||= result.unknown;
            failed.set(batch.append, result.error);
            return [];
          }
          const key = partitionKey(batch);
          sequences.set(key, nextSequence(sequences.get(key) ?? 0, batch.count));
          for (let i = 0; i < batch.count; i++)
            (offsets[batch.append] ?? [])[batch.first + i] = result.baseOffset + i;
          const next = batch.first + batch.count;
          return next < append.records.length
            ? [nextBatch(append, { index: batch.append, first: next, isPlain })]
            : [];
        });
      }
      return offsets.map((of, i): AppendOutcome => {
        const error = failed.get(i);
        return error === undefined ? { offsets: of } : { error };
      });
    },
  };
}

/** The sequence after a batch: brokers count on from 0 after 2^31 - 1. */
export function nextSequence(sequence: number, count: number): number {
  return (sequence + count) % MAX_SEQUENCE;
}

/** Index after the last record that fits into a batch; at least one record. */
function cutAt(records: readonly BatchRecord[], first: number, maxBytes: number): number {
  let bytes = 0;
  for (let i = first; i < records.length; i++) {
    const record = records[i];
    bytes += record === undefined ? 0 : sizeHint(record);
    if (bytes > maxBytes && i > first) return i;
  }
  return records.length;
}

type BatchResult =
  | { readonly baseOffset: number }
  | { readonly error: MillraceError; readonly unknown: boolean; readonly tooLarge?: boolean };

interface Sending {
  readonly batches: readonly Batch[];
  readonly limits: AppendLimits;
}

/** Sends until every batch is written, refused for good, or out of time. */
async function sendBatches(
  client: ClusterClient,
  transactionalId: string | null,
  { batches, limits }: Sending,
): Promise<ReadonlyMap<Batch, BatchResult>> {
  const results = new Map<Batch, BatchResult>();
  const reasons = new Map<Batch, MillraceError>();
  /** Sends one request to each leader; true when all that was sent is settled. */
  const pass = async (open: readonly Batch[]): Promise<boolean> => {
    const requests = requestsOf(client, open, limits.maxRequestBytes);
    await Promise.all(
      requests.map(async ({ leader, sent }) => {
        const request = {
          transactionalId,
          timeoutMs: limits.produceTimeoutMs,
          batches: sent,
        };
        try {
          judge(sent, await client.call(leader, PRODUCE, request), { results, reasons });
        } catch (error) {
          if (!(error instanceof MillraceError)) throw error;
          for (const batch of sent) reasons.set(batch, error);
        }
      }),
    );
    return requests.length > 0 && requests.every(({ sent }) => sent.every((batch) => results.has(batch)));
  };
  const round = async (): Promise<Attempt<null>> => {
    for (;;) {
      const open = batches.filter((batch) => !results.has(batch));
      const [first] = open;
      if (first === undefined) return { done: null };
      if (open.some((batch) => client.leaderOf(batch) === undefined)) await refresh(client, open);
      if (await pass(open)) continue; // what did not fit into these requests goes on at once
      await refresh(client, open);
      const left = batches.find((batch) => !results.has(batch));
      return left === undefined ? { done: null } : { again: reasons.get(left) ?? unacknowledged(left) };
    }
  };
  try {
    await untilDone(round, { scheduler: client.scheduler, deadlineMs: limits.deliveryTimeoutMs });
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    for (const batch of batches) {
      const reason = reasons.get(batch);
      if (!results.has(batch)) results.set(batch, { error: reason ?? error, unknown: reason !== undefined });
    }
  }
  return results;
}

async function refresh(client: ClusterClient, batches: readonly Batch[]): Promise<void> {
  await client.refresh([...new Set(batches.map((batch) => batch.topic))]);
}

/** One request to each leader that is known, in the order of the batches, none above the size limit. */
function requestsOf(
  client: ClusterClient,
  batches: readonly Batch[],
  maxBytes: number,
): readonly { readonly leader: number; readonly sent: readonly Batch[] }[] {
  const byLeader = new Map<number, { sent: Batch[]; bytes: number }>();
  for (const batch of batches) {
    const leader = client.leaderOf(batch);
    if (leader === undefined) continue;
    const request = byLeader.get(leader) ?? { sent: [], bytes: 0 };
    byLeader.set(leader, request);
    if (request.sent.length > 0 && request.bytes + batch.bytes.length > maxBytes) continue; // the next round takes it
    request.sent.push(batch);
    request.bytes += batch.bytes.length;
  }
  return [...byLeader].map(([leader, { sent }]) => ({ leader, sent }));
}

function judge(
  sent: readonly Batch[],
  response: ProduceResponse,
  into: { readonly results: Map<Batch, BatchResult>; readonly reasons: Map<Batch, MillraceError> },
): void {
  const answers = new Map(response.partitions.map((answer) => [partitionKey(answer), answer]));
  for (const batch of sent) {
    const answer = answers.get(partitionKey(batch));
    if (answer === undefined) {
      into.reasons.set(batch, unacknowledged(batch));
    } else if (answer.errorCode === NONE && answer.baseOffset >= 0) {
      into.results.set(batch, { baseOffset: answer.baseOffset });
    } else if (RETRIABLE.has(answer.errorCode)) {
      into.reasons.set(batch, refusal(answer.errorCode, batch, true));
    } else {
      const error = refusal(answer.errorCode, batch, false);
      const unknown = !NOT_APPENDED.has(answer.errorCode);
      into.results.set(batch, { error, unknown, tooLarge: TOO_LARGE.has(answer.errorCode) });
    }
  }
}

function refusal(code: number, batch: Batch, retryable: boolean): MillraceError {
  if (TOO_LARGE.has(code)) return tooLarge(batch);
  const ours: ErrorCode = FENCED.has(code)
    ? 'MR_KAFKA_FENCED'
    : code === UNKNOWN_TOPIC_OR_PARTITION
      ? 'MR_KAFKA_TOPIC_MISMATCH'
      : 'MR_KAFKA_PRODUCE_FAILED';
  const context = { topic: batch.topic, partition: batch.partition };
  return brokerError(code, 'append records', {
    code: ours,
    context,
    ...(ours === 'MR_KAFKA_PRODUCE_FAILED' ? { retryable: retryable || !NOT_APPENDED.has(code) } : {}),
  });
}

function tooLarge({ topic, partition, bytes }: Batch): MillraceError {
  return new MillraceError('MR_KAFKA_PRODUCE_FAILED', tooLargeText({ topic }, bytes.length), {
    context: { topic, partition, bytes: bytes.length },
    retryable: false,
  });
}

function unacknowledged(batch: Batch): MillraceError {
  return new MillraceError(
    'MR_KAFKA_PRODUCE_FAILED',
    'a broker answered without acknowledging a record batch',
    {
      context: { topic: batch.topic, partition: batch.partition },
    },
  );
}
