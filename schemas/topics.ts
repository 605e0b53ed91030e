/**
 * Every topic: its key, its partitions and how long it is kept. A namespace (a replay, a second shop) puts its name
 * before each topic, so that nothing is shared but the broker.
 */

export interface TopicContract<Name extends string = string> {
  readonly name: Name;
  /** Fixed for the life of the topic; another count is a new topic and a migration. */
  readonly partitions: number;
  /** What the record key holds. */
  readonly key: string;
  readonly config: Readonly<Record<string, string>>;
}

const DAY_MS = 86_400_000;
const PARTITIONS = 4;

/** An event of more bytes is refused: a step and a row must stay small. As much as a broker takes unless told otherwise. */
export const MAX_EVENT_BYTES = 1024 * 1024;
/** What a late or dead-letter topic takes: a record that the origin took must fit whatever limit that was given. */
export const MAX_SIDE_RECORD_BYTES = 16 * 1024 * 1024;

const kept = (days: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': String(days * DAY_MS) });
const compacted = { 'cleanup.policy': 'compact' };

const shop = <Name extends string>(
  name: Name,
  key: string,
  config: Readonly<Record<string, string>> = kept(7),
): TopicContract<`shop.${Name}`> => ({
  name: `shop.${name}`,
  partitions: PARTITIONS,
  key,
  config,
});

const internal = <Name extends string>(
  name: Name,
  key: string,
  partitions = PARTITIONS,
): TopicContract<`millrace.${Name}`> => ({
  name: `millrace.${name}`,
  partitions,
  key,
  config: kept(1),
});

/** Topics that people and services write and read. orders, payments and shipments are co-partitioned by orderId. */
export const SHOP_TOPICS = {
  clickstream: shop('clickstream', 'anonymousId'),
  identityLinks: shop('identity-links', 'anonymousId'),
  orders: shop('orders', 'orderId'),
  payments: shop('payments', 'orderId'),
  shipments: shop('shipments', 'orderId'),
  catalog: shop('catalog', 'itemId', compacted),
  users: shop('users', 'userId', compacted),
  served: shop('served', 'anonymousId'),
  riskDecisions: shop('risk-decisions', 'entityId'),
  alerts: shop('alerts', 'entityId'),
  labels: shop('labels', 'entityId'),
  dataQuality: shop('data-quality', 'entityId'),
} as const;

/** Repartition topics between the sub-topologies of the processors. */
export const INTERNAL_TOPICS = {
  visitorPurchases: internal('visitor-purchases', 'anonymousId'),
  userActivity: internal('user-activity', 'userId'),
  itemActivity: internal('item-activity', 'itemId'),
  cardPayments: internal('card-payments', 'cardFingerprint'),
  trendingCandidates: internal('trending-candidates', 'one key: all in one partition', 1),
} as const;

/**
 * What the steps were given that raised alerts, so that each can be taken again. Holds events and state as they are: whoever
 * may read it may read those. A large event must fit. The accounts of tasks, by which it is audited, reach back 16 days.
 */
export const ALERT_EVIDENCE_TOPIC = {
  name: 'shop.alert-evidence',
  partitions: PARTITIONS,
  key: 'alertId',
  config: { ...kept(14), 'max.message.bytes': String(MAX_SIDE_RECORD_BYTES) },
} as const satisfies TopicContract;

const BASE_TOPICS: readonly TopicContract[] = [
  ...Object.values(SHOP_TOPICS),
  ...Object.values(INTERNAL_TOPICS),
  ALERT_EVIDENCE_TOPIC,
];

/** `<topic>.late`: events whose window is closed, with headers for lateness and window. */
export function lateTopic(topic: string): string {
  return `${topic}.late`;
}

/** `<topic>.dlq`: original bytes and key, with headers that say what failed and where it came from. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

/** Changelog of a sub-topology's state, compacted; the partition of a task is the partition of its changelog. */
export function changelogTopic(namespace: string, subtopology: string): string {
  return namespaced(namespace, `millrace.changelog.${subtopology}`);
}

/** Which dead letters were sent again, compacted: by the letter's topic, partition and offset. */
export function redriveMarksTopic(namespace: string): string {
  return namespaced(namespace, 'millrace.redriven');
}

/** Topic in which a topology brings records with a new key together; made by the engine. */
export function repartitionTopic(topology: string, name: string): string {
  return `millrace.repartition.${topology}.${name}`;
}

/** Name of a topic in a namespace; the empty namespace is the live shop. */
export function namespaced(namespace: string, topic: string): string {
  return namespace === '' ? topic : `${namespace}.${topic}`;
}

/** Every topic of a namespace but the changelogs: base topics, and late and dead-letter topics of the shop's. */
export function topicsOf(namespace: string): readonly TopicContract[] {
  const config = { ...kept(14), 'max.message.bytes': String(MAX_SIDE_RECORD_BYTES) };
  const side = Object.values(SHOP_TOPICS).flatMap((topic) => [
    { ...topic, name: lateTopic(topic.name), config },
    { ...topic, name: deadLetterTopic(topic.name), config },
  ]);
  const internalDlq = Object.values(INTERNAL_TOPICS).map((topic) => ({
    ...topic,
    name: deadLetterTopic(topic.name),
    config,
  }));
  return [...BASE_TOPICS, ...side, ...internalDlq].map((topic) => ({
    ...topic,
    name: namespaced(namespace, topic.name),
  }));
}
