/** The consumer group's own messages inside JoinGroup and SyncGroup (ConsumerProtocol v0: kafka.apache.org/protocol). */
import type { TopicPartition } from '../../port.ts';
import { byTopic } from './by-topic.ts';
import { ByteReader, ByteWriter } from './wire.ts';

/** What a member subscribes to. */
export function encodeSubscription(topics: readonly string[]): Buffer {
  const out = new ByteWriter();
  out.int16(0).array(topics, (topic) => out.string(topic));
  return out.bytes(Buffer.alloc(0)).finish();
}

export function decodeSubscription(bytes: Buffer): readonly string[] {
  const body = new ByteReader(bytes);
  body.int16();
  return body.array(() => body.string());
}

/** The partitions of one member. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const out = new ByteWriter();
  out.int16(0).array(byTopic(partitions), ([topic, places]) => {
    out.string(topic).array(places, ({ partition }) => out.int32(partition));
  });
  return out.bytes(Buffer.alloc(0)).finish();
}

/** Empty bytes mean no partition: the coordinator gives them to a member that the leader left out. */
export function decodeAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length === 0) return [];
  const body = new ByteReader(bytes);
  body.int16();
  return body
    .array(() => {
      const topic = body.string();
      return body.array(() => ({ topic, partition: body.int32() }));
    })
    .flat();
}
