/** The events that may come from outside, and their way into Kafka. */
import { SHOP_TOPICS, namespaced, type TopicContract } from '../schemas/topics.ts';
import { SCHEMAS, latestSchema, type RegisteredSchema } from '../schemas/registry.ts';
import { encodeEvent } from '../schemas/wire-format.ts';
import type {
  CatalogEvent,
  ClickstreamEvent,
  IdentityLinksEvent,
  LabelsEvent,
  MillraceEvent,
  OrdersEvent,
  PaymentsEvent,
  ShipmentsEvent,
  UsersEvent,
} from '../schemas/generated/events.ts';
import type { ProduceRecord } from '../platform/kafka/port.ts';

/** An event as the collector publishes it. */
export type IngestedEvent =
  | ClickstreamEvent
  | IdentityLinksEvent
  | OrdersEvent
  | PaymentsEvent
  | ShipmentsEvent
  | CatalogEvent
  | UsersEvent
  | LabelsEvent;

export type PublicRecordName = IngestedEvent['type'];

/** An event before Millrace took it: everything but the ingest time. */
export type PublicEvent = {
  [Name in PublicRecordName]: Omit<Extract<IngestedEvent, { type: Name }>, 'ingestTime'>;
}[PublicRecordName];

/** Topics that clients may write. */
export const PUBLIC_TOPICS: readonly TopicContract[] = [
  SHOP_TOPICS.clickstream,
  SHOP_TOPICS.identityLinks,
  SHOP_TOPICS.orders,
  SHOP_TOPICS.payments,
  SHOP_TOPICS.shipments,
  SHOP_TOPICS.catalog,
  SHOP_TOPICS.users,
  SHOP_TOPICS.labels,
];

/** The newest schema of every record that clients may send, in the order of the registry. */
export const PUBLIC_SCHEMAS: readonly RegisteredSchema[] = [
  ...new Set(
    SCHEMAS.filter((entry) => PUBLIC_TOPICS.some((topic) => topic.name === entry.topic)).map(
      (entry) => entry.record,
    ),
  ),
].map(latestSchema);

const topicByRecord = new Map<string, TopicContract>(
  PUBLIC_SCHEMAS.flatMap((entry) =>
    PUBLIC_TOPICS.filter((topic) => topic.name === entry.topic).map(
      (topic) => [entry.record, topic] as const,
    ),
  ),
);

/** The topic that carries a record; the record's field named `key` holds the key. */
export function topicOfRecord(record: PublicRecordName): TopicContract {
  const topic = topicByRecord.get(record);
  if (topic === undefined) throw new Error(`no topic for record ${record}`);
  return topic;
}

/**
 * A public event that Millrace takes at `ingestTime` (epoch ms). Takes the object over: it is not copied, since a copy
 * of every event costs more than to encode it.
 */
export function takeEvent(event: PublicEvent, ingestTime: number): IngestedEvent {
  const taken: PublicEvent & { ingestTime?: number } = event;
  taken.ingestTime = ingestTime;
  return taken as IngestedEvent;
}

/** The Kafka record of an event: topic and key by the contract, timestamp = ingest time. */
export function toProduceRecord(event: IngestedEvent, namespace: string): ProduceRecord {
  const topic = topicOfRecord(event.type);
  return {
    topic: namespaced(namespace, topic.name),
    key: keyOf(event, topic),
    value: encodeEvent(event),
    timestampMs: event.ingestTime,
  };
}

function keyOf(event: MillraceEvent, topic: TopicContract): string {
  const key: unknown = event[topic.key as keyof MillraceEvent];
  if (typeof key !== 'string') throw new Error(`${event.type} has no key field ${topic.key}`);
  return key;
}
