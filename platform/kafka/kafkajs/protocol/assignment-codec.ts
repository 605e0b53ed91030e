/** The consumer group's own messages inside JoinGroup and SyncGroup (ConsumerProtocol: kafka.apache.org/protocol). */
import type { TopicPartition } from '../../port.ts';
import { byTopic } from './by-topic.ts';
import { ByteReader, ByteWriter } from './wire.ts';

export interface Subscription {
  readonly topics: readonly string[];
  /** What the member held last. */
  readonly owned: readonly TopicPartition[];
  /** The generation in which it held that; -1 for a new member. */
  readonly generation: number;
}

const NO_BYTES = Buffer.alloc(0);
const WITH_OWNED = 1;
const WITH_GENERATION = 2;

/** Subscription v2: v1 names the partitions that the member owned (KIP-429), v2 their generation (KIP-792). */
export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  const out = new ByteWriter();
  out
    .int16(WITH_GENERATION)
    .array(topics, (topic) => out.string(topic))
    .bytes(NO_BYTES);
  writePlaces(out, owned);
  return out.int32(generation).finish();
}

/** Any version: members of an older one claim nothing. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const body = new ByteReader(bytes);
  const version = body.int16();
  const topics = body.array(() => body.string());
  body.nullableBytes(); // user data
  const owned = version >= WITH_OWNED ? readPlaces(body) : [];
  return { topics, owned, generation: version >= WITH_GENERATION ? body.int32() : -1 };
}

/** The partitions of one member. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const out = new ByteWriter();
  writePlaces(out.int16(0), partitions);
  return out.bytes(NO_BYTES).finish();
}

/** Empty bytes mean no partition: the coordinator gives them to a member that the leader left out. */
export function decodeAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length === 0) return [];
  const body = new ByteReader(bytes);
  body.int16();
  return readPlaces(body);
}

function writePlaces(out: ByteWriter, places: readonly TopicPartition[]): void {
  out.array(byTopic(places), ([topic, of]) => {
    out.string(topic).array(of, ({ partition }) => out.int32(partition));
  });
}

function readPlaces(body: ByteReader): readonly TopicPartition[] {
  return body
    .array(() => {
      const topic = body.string();
      return body.array(() => ({ topic, partition: body.int32() }));
    })
    .flat();
}
