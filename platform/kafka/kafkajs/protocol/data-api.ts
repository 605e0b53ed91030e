import type { TopicPartition, TopicPartitionOffset } from '../../port.ts';
import type { Api } from './api.ts';
import type { AbortedTransaction } from './record-batch-reader.ts';
import { byTopic } from './by-topic.ts';

export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly timeoutMs: number;
  /** At most one batch for each partition. */
  readonly batches: readonly (TopicPartition & { readonly bytes: Buffer })[];
}

export interface ProduceResponse {
  readonly partitions: readonly (TopicPartition & {
    readonly errorCode: number;
    readonly baseOffset: number;
  })[];
}

/** Produce v7 with acks=all. */
export const PRODUCE: Api<ProduceRequest, ProduceResponse> = {
  key: 0,
  version: 7,
  name: 'Produce',
  encode(request, out) {
    out.string(request.transactionalId).int16(-1).int32(request.timeoutMs);
    out.array(byTopic(request.batches), ([topic, batches]) => {
      out.string(topic).array(batches, (batch) => out.int32(batch.partition).bytes(batch.bytes));
    });
  },
  decode(body) {
    const partitions = body.array(() => {
      const topic = body.string();
      return body.array(() => {
        const partition = body.int32();
        const result = { topic, partition, errorCode: body.int16(), baseOffset: body.int64() };
        body.int64(); // log append time
        body.int64(); // log start offset
        return result;
      });
    });
    return { partitions: partitions.flat() };
  },
};

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  /** In the order in which the broker fills its answer. */
  readonly partitions: readonly TopicPartitionOffset[];
}

export interface FetchedPartition extends TopicPartition {
  readonly errorCode: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches as a view into the response. */
  readonly bytes: Buffer;
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

const EMPTY = Buffer.alloc(0);

/** Fetch v11, read committed, without a fetch session. */
export const FETCH: Api<FetchRequest, FetchResponse> = {
  key: 1,
  version: 11,
  name: 'Fetch',
  encode(request, out) {
    out.int32(-1).int32(request.maxWaitMs).int32(1).int32(request.maxBytes).int8(1).int32(0).int32(-1);
    out.array(byTopic(request.partitions), ([topic, partitions]) => {
      out.string(topic).array(partitions, (position) => {
        out
          .int32(position.partition)
          .int32(-1)
          .int64(position.offset)
          .int64(-1)
          .int32(request.partitionMaxBytes);
      });
    });
    out.int32(0).string('');
  },
  decode(body) {
    body.int32();
    const errorCode = body.int16();
    body.int32(); // session
    const partitions = body.array(() => {
      const topic = body.string();
      return body.array(() => {
        const head = { topic, partition: body.int32(), errorCode: body.int16() };
        body.int64(); // high watermark
        const lastStableOffset = body.int64();
        const logStartOffset = body.int64();
        const aborted = body.array(() => ({ producerId: body.int64(), firstOffset: body.int64() }));
        body.int32(); // preferred read replica: only with a rack
        return { ...head, lastStableOffset, logStartOffset, aborted, bytes: body.nullableBytes() ?? EMPTY };
      });
    });
    return { errorCode, partitions: partitions.flat() };
  },
};

export interface ListOffsetsRequest {
  /** `end` is the last stable offset, `highest` the end with what is not committed or not shown yet. */
  readonly at: 'start' | 'end' | 'highest';
  readonly partitions: readonly TopicPartition[];
}

export interface ListOffsetsResponse {
  readonly partitions: readonly (TopicPartitionOffset & { readonly errorCode: number })[];
}

/** ListOffsets v3, read committed but for `highest`. */
export const LIST_OFFSETS: Api<ListOffsetsRequest, ListOffsetsResponse> = {
  key: 2,
  version: 3,
  name: 'ListOffsets',
  encode(request, out) {
    out.int32(-1).int8(request.at === 'highest' ? 0 : 1);
    out.array(byTopic(request.partitions), ([topic, partitions]) => {
      out.string(topic);
      out.array(partitions, ({ partition }) => out.int32(partition).int64(request.at === 'start' ? -2 : -1));
    });
  },
  decode(body) {
    body.int32();
    const partitions = body.array(() => {
      const topic = body.string();
      return body.array(() => {
        const head = { topic, partition: body.int32(), errorCode: body.int16() };
        body.int64(); // timestamp
        return { ...head, offset: body.int64() };
      });
    });
    return { partitions: partitions.flat() };
  },
};
