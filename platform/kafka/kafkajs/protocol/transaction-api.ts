import type { TopicPartition, TopicPartitionOffset } from '../../port.ts';
import type { Api } from './api.ts';
import type { ByteReader, ByteWriter } from './wire.ts';
import { byTopic } from './by-topic.ts';

export interface InitProducerIdResponse {
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** InitProducerId v1: a new id, or the next epoch of a transactional id, which fences its older holders. */
export const INIT_PRODUCER_ID: Api<
  { readonly transactionalId: string | null; readonly transactionTimeoutMs: number },
  InitProducerIdResponse
> = {
  key: 22,
  version: 1,
  name: 'InitProducerId',
  encode(request, out) {
    out.string(request.transactionalId).int32(request.transactionTimeoutMs);
  },
  decode(body) {
    body.int32();
    return { errorCode: body.int16(), producerId: body.int64(), producerEpoch: body.int16() };
  },
};

/** Who writes: what every request of a transaction carries. */
export interface TransactionHolder {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface PartitionCodes {
  /** Error code of each partition. */
  readonly codes: readonly number[];
}

function writeHolder(out: ByteWriter, holder: TransactionHolder): ByteWriter {
  return out.string(holder.transactionalId).int64(holder.producerId).int16(holder.producerEpoch);
}

function readCode(body: ByteReader): { readonly errorCode: number } {
  body.int32();
  return { errorCode: body.int16() };
}

function readCodes(body: ByteReader): PartitionCodes {
  body.int32();
  const codes = body.array(() => {
    body.string();
    return body.array(() => {
      body.int32();
      return body.int16();
    });
  });
  return { codes: codes.flat() };
}

/** AddPartitionsToTxn v1. */
export const ADD_PARTITIONS: Api<
  TransactionHolder & { readonly partitions: readonly TopicPartition[] },
  PartitionCodes
> = {
  key: 24,
  version: 1,
  name: 'AddPartitionsToTxn',
  encode(request, out) {
    writeHolder(out, request).array(byTopic(request.partitions), ([topic, partitions]) => {
      out.string(topic).array(partitions, ({ partition }) => out.int32(partition));
    });
  },
  decode: readCodes,
};

/** AddOffsetsToTxn v1. */
export const ADD_OFFSETS: Api<
  TransactionHolder & { readonly groupId: string },
  { readonly errorCode: number }
> = {
  key: 25,
  version: 1,
  name: 'AddOffsetsToTxn',
  encode(request, out) {
    writeHolder(out, request).string(request.groupId);
  },
  decode: readCode,
};

/** TxnOffsetCommit v1. */
export const COMMIT_OFFSETS: Api<
  TransactionHolder & { readonly groupId: string; readonly offsets: readonly TopicPartitionOffset[] },
  PartitionCodes
> = {
  key: 28,
  version: 1,
  name: 'TxnOffsetCommit',
  encode(request, out) {
    out.string(request.transactionalId).string(request.groupId);
    out.int64(request.producerId).int16(request.producerEpoch);
    out.array(byTopic(request.offsets), ([topic, offsets]) => {
      out
        .string(topic)
        .array(offsets, ({ partition, offset }) => out.int32(partition).int64(offset).string(null));
    });
  },
  decode: readCodes,
};

/** EndTxn v1. */
export const END_TRANSACTION: Api<
  TransactionHolder & { readonly commit: boolean },
  { readonly errorCode: number }
> = {
  key: 26,
  version: 1,
  name: 'EndTxn',
  encode(request, out) {
    writeHolder(out, request).int8(request.commit ? 1 : 0);
  },
  decode: readCode,
};
