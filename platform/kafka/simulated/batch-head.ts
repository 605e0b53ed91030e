import { BATCH_HEADER_BYTES } from '../kafkajs/protocol/record-batch-reader.ts';

const TRANSACTIONAL = 0x10;

/** What a broker reads of a record batch (message format v2, kafka.apache.org/documentation/#recordbatch). */
export interface BatchHead {
  /** -1 where its producer is not idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
  readonly isTransactional: boolean;
}

/** Undefined where the bytes are not one whole batch of format v2. */
export function readBatchHead(bytes: Buffer): BatchHead | undefined {
  if (bytes.length < BATCH_HEADER_BYTES || bytes.readInt8(16) !== 2) return undefined;
  if (bytes.readInt32BE(8) !== bytes.length - 12) return undefined;
  return {
    producerId: Number(bytes.readBigInt64BE(43)),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    count: bytes.readInt32BE(57),
    isTransactional: (bytes.readInt16BE(21) & TRANSACTIONAL) !== 0,
  };
}
