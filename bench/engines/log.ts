import { randomBytes } from 'node:crypto';
import { Kafka as RawKafka, logLevel } from 'kafkajs';
import type { Assign, Kafka, ProduceRecord, TopicPartition } from '../../platform/kafka/port.ts';
import { inFlight, rateOf, takeTurns, type Rounds } from '../rounds.ts';

export const BATCH = 1000;
export const VALUE_BYTES = 200;
export const PARTITIONS = 4;
/** Sends under way at the same time, for us and for the peer. */
export const SENDS_IN_FLIGHT = 4;

export interface LogRates {
  readonly produce: Rounds<string>;
  readonly consume: Rounds<string>;
}

interface Load {
  readonly records: number;
  readonly rounds: number;
}

/** 1,000 records of 200 random bytes, with keys that spread them over the partitions. */
function batchOf(topic: string): ProduceRecord[] {
  return Array.from({ length: BATCH }, (_, i) => ({
    topic,
    key: `key-${i}`,
    value: randomBytes(VALUE_BYTES),
  }));
}

/** Everything to the one member of the group. */
const toOne: Assign = (members, topics) => {
  const all = [...topics].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition): TopicPartition => ({ topic, partition })),
  );
  return new Map(members.map(({ memberId }, index) => [memberId, index === 0 ? all : []]));
};

async function produce(kafka: Kafka, topic: string, records: number): Promise<number> {
  const producer = kafka.producer();
  const batch = batchOf(topic);
  await producer.send(batch.slice(0, 1)); // connections are made before the clock runs
  const rate = await rateOf(records, () =>
    inFlight(records / BATCH, SENDS_IN_FLIGHT, () => producer.send(batch)),
  );
  await producer.close();
  return rate;
}

let groups = 0;

async function consume(kafka: Kafka, topic: string, records: number): Promise<number> {
  const consumer = kafka.groupConsumer({
    groupId: `bench-${++groups}-${topic}`,
    topics: [topic],
    assign: toOne,
  });
  await consumer.start({
    onAssigned: async (partitions) => {
      for (const partition of partitions) consumer.seek({ ...partition, offset: 0 });
    },
    onRevoked: async () => undefined,
  });
  let bytes = 0;
  let seen = 0;
  await consumer.poll(10_000); // the group has formed
  const rate = await rateOf(records, async () => {
    while (seen < records) {
      for (const batch of await consumer.poll(1000)) {
        for (const { value } of batch.records) bytes += value?.length ?? 0;
        seen += batch.records.length;
      }
    }
  });
  await consumer.close();
  if (bytes < records * VALUE_BYTES) throw new Error('read less than was written');
  return rate;
}

/** The embedded log alone: there is no peer in process. */
export async function benchEmbeddedLog(kafka: Kafka, load: Load): Promise<LogRates> {
  const topic = 'bench';
  await kafka.admin.ensureTopics([{ topic, partitions: PARTITIONS }]);
  const produced = await takeTurns({ embedded: () => produce(kafka, topic, load.records) }, load.rounds);
  const consumed = await takeTurns({ embedded: () => consume(kafka, topic, load.records) }, load.rounds);
  return { produce: produced, consume: consumed };
}

/** The port on a real broker beside kafkajs's own producer (acks of all replicas) and consumer on the same topics. */
export async function benchRealKafka(
  kafka: Kafka,
  brokers: readonly string[],
  load: Load,
): Promise<LogRates> {
  const run = `bench-engines-${Date.now().toString(36)}`;
  const topic = (name: string) => `${run}.${name}`;
  const topics = ['port', 'raw'].map((name) => ({ topic: topic(name), partitions: PARTITIONS }));
  await kafka.admin.ensureTopics(topics);
  const raw = new RawKafka({ clientId: 'bench-raw', brokers: [...brokers], logLevel: logLevel.NOTHING });
  try {
    const produced = await takeTurns(
      {
        port: () => produce(kafka, topic('port'), load.records),
        rawKafkajs: () => rawProduce(raw, topic('raw'), load.records),
      },
      load.rounds,
    );
    const consumed = await takeTurns(
      {
        port: () => consume(kafka, topic('port'), load.records),
        rawKafkajs: () => rawConsume(raw, topic('port'), load.records),
      },
      load.rounds,
    );
    return { produce: produced, consume: consumed };
  } finally {
    await kafka.admin.deleteTopics(topics.map((spec) => spec.topic));
  }
}

async function rawProduce(raw: RawKafka, topic: string, records: number): Promise<number> {
  const producer = raw.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const messages = batchOf(topic).map(({ key, value }) => ({ key, value }));
  await producer.send({ topic, messages: messages.slice(0, 1), acks: -1 });
  const rate = await rateOf(records, () =>
    inFlight(records / BATCH, SENDS_IN_FLIGHT, () => producer.send({ topic, messages, acks: -1 })),
  );
  await producer.disconnect();
  return rate;
}

async function rawConsume(raw: RawKafka, topic: string, records: number): Promise<number> {
  const consumer = raw.consumer({ groupId: `bench-raw-${++groups}-${topic}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let seen = 0;
  let bytes = 0;
  let startedMs = 0;
  consumer.on(consumer.events.GROUP_JOIN, () => (startedMs = performance.now()));
  const seconds = await new Promise<number>((resolve, reject) => {
    const eachBatch = async ({ batch }: { batch: { messages: { value: Buffer | null }[] } }) => {
      for (const { value } of batch.messages) bytes += value?.length ?? 0;
      seen += batch.messages.length;
      if (seen >= records) resolve((performance.now() - startedMs) / 1000);
    };
    consumer.run({ partitionsConsumedConcurrently: PARTITIONS, eachBatch }).catch(reject);
  });
  await consumer.disconnect();
  if (bytes < records * VALUE_BYTES) throw new Error('read less than was written');
  return seen / seconds;
}
