import type { Api } from './api.ts';
import type { ByteReader } from './wire.ts';

export interface BrokerNode {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface MetadataResponse {
  readonly brokers: readonly BrokerNode[];
  readonly controllerId: number;
  readonly topics: readonly {
    readonly errorCode: number;
    readonly topic: string;
    /** Another one after a topic was deleted and made anew. */
    readonly topicId: string;
    /** Kafka's own, such as __consumer_offsets. */
    readonly isInternal: boolean;
    readonly partitions: readonly {
      readonly errorCode: number;
      readonly partition: number;
      readonly leader: number;
    }[];
  }[];
}

const NO_ID = Buffer.alloc(16);

/** Metadata v12, for the ids of topics (KIP-516); never creates a topic. */
export const METADATA: Api<{ readonly topics: readonly string[] | 'all' }, MetadataResponse> = {
  key: 3,
  version: 12,
  name: 'Metadata',
  flexible: true,
  encode(request, out) {
    if (request.topics === 'all') out.uvarint(0);
    else out.compactArray(request.topics, (topic) => out.raw(NO_ID).compactString(topic).noTags());
    out.int8(0).int8(0).noTags();
  },
  decode(body) {
    body.int32(); // throttle time: the broker holds the connection back itself (KIP-219)
    const brokers = body.compactArray(() => {
      const node = { nodeId: body.int32(), host: body.compactNullableString() ?? '', port: body.int32() };
      body.compactNullableString(); // rack
      body.skipTags();
      return node;
    });
    body.compactNullableString(); // cluster id
    const controllerId = body.int32();
    const topics = body.compactArray(() => readTopic(body));
    body.skipTags();
    return { brokers, controllerId, topics };
  },
};

function readTopic(body: ByteReader): MetadataResponse['topics'][number] {
  const errorCode = body.int16();
  const topic = body.compactNullableString() ?? '';
  const topicId = body.bytes(16).toString('hex');
  const isInternal = body.int8() !== 0;
  const partitions = body.compactArray(() => {
    const partition = { errorCode: body.int16(), partition: body.int32(), leader: body.int32() };
    body.int32(); // leader epoch
    for (let list = 0; list < 3; list++) body.compactArray(() => body.int32()); // replicas, in sync, offline
    body.skipTags();
    return partition;
  });
  body.int32(); // operations that are allowed
  body.skipTags();
  return { errorCode, topic, topicId, isInternal, partitions };
}

export type CoordinatorKind = 'group' | 'transaction';

export interface FindCoordinatorResponse extends BrokerNode {
  readonly errorCode: number;
}

/** FindCoordinator v2. */
export const FIND_COORDINATOR: Api<
  { readonly kind: CoordinatorKind; readonly key: string },
  FindCoordinatorResponse
> = {
  key: 10,
  version: 2,
  name: 'FindCoordinator',
  encode(request, out) {
    out.string(request.key).int8(request.kind === 'group' ? 0 : 1);
  },
  decode(body) {
    body.int32();
    const errorCode = body.int16();
    body.nullableString();
    return { errorCode, nodeId: body.int32(), host: body.string(), port: body.int32() };
  },
};

export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

interface TopicResults {
  readonly results: readonly {
    readonly topic: string;
    readonly errorCode: number;
    readonly message: string | null;
  }[];
}

/** CreateTopics v4: the replication factor is the broker's default (KIP-464). */
export const CREATE_TOPICS: Api<
  { readonly topics: readonly NewTopic[]; readonly timeoutMs: number },
  TopicResults
> = {
  key: 19,
  version: 4,
  name: 'CreateTopics',
  encode(request, out) {
    out.array(request.topics, (topic) => {
      out.string(topic.topic).int32(topic.partitions).int16(-1).int32(0);
      out.array(Object.entries(topic.config), ([name, value]) => out.string(name).string(value));
    });
    out.int32(request.timeoutMs).int8(0);
  },
  decode(body) {
    body.int32();
    const results = body.array(() => ({
      topic: body.string(),
      errorCode: body.int16(),
      message: body.nullableString(),
    }));
    return { results };
  },
};

/** DeleteTopics v3. */
export const DELETE_TOPICS: Api<
  { readonly topics: readonly string[]; readonly timeoutMs: number },
  TopicResults
> = {
  key: 20,
  version: 3,
  name: 'DeleteTopics',
  encode(request, out) {
    out.array(request.topics, (topic) => out.string(topic)).int32(request.timeoutMs);
  },
  decode(body) {
    body.int32();
    return { results: body.array(() => ({ topic: body.string(), errorCode: body.int16(), message: null })) };
  },
};
