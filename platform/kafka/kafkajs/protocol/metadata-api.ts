import type { Api } from './api.ts';

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
    /** Kafka's own, such as __consumer_offsets. */
    readonly isInternal: boolean;
    readonly partitions: readonly {
      readonly errorCode: number;
      readonly partition: number;
      readonly leader: number;
    }[];
  }[];
}

/** Metadata v6; never creates a topic. */
export const METADATA: Api<{ readonly topics: readonly string[] | 'all' }, MetadataResponse> = {
  key: 3,
  version: 6,
  name: 'Metadata',
  encode(request, out) {
    if (request.topics === 'all') out.int32(-1);
    else out.array(request.topics, (topic) => out.string(topic));
    out.int8(0);
  },
  decode(body) {
    body.int32(); // throttle time: the broker holds the connection back itself (KIP-219)
    const brokers = body.array(() => {
      const node = { nodeId: body.int32(), host: body.string(), port: body.int32() };
      body.nullableString(); // rack
      return node;
    });
    body.nullableString(); // cluster id
    const controllerId = body.int32();
    const topics = body.array(() => {
      const errorCode = body.int16();
      const topic = body.string();
      const isInternal = body.int8() !== 0;
      const partitions = body.array(() => {
        const partition = { errorCode: body.int16(), partition: body.int32(), leader: body.int32() };
        for (let list = 0; list < 3; list++) body.array(() => body.int32()); // replicas, in sync, offline
        return partition;
      });
      return { errorCode, topic, isInternal, partitions };
    });
    return { brokers, controllerId, topics };
  },
};

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
