import { Kafka, logLevel } from 'kafkajs';

export interface Timing {
  readonly events: number;
  readonly seconds: number;
}

/** The peer: a plain kafkajs consumer that reads a topic from its start and touches every message. */
export async function rawKafkajsLoop(options: {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
  readonly events: number;
}): Promise<Timing> {
  const kafka = new Kafka({
    clientId: 'bench-raw',
    brokers: [...options.brokers],
    logLevel: logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId: options.groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  let seen = 0;
  let bytes = 0;
  let startedMs = 0;
  consumer.on(consumer.events.GROUP_JOIN, () => {
    startedMs = performance.now();
  });
  const seconds = await new Promise<number>((resolve, reject) => {
    consumer
      .run({
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch, ...group }) => {
          for (const message of batch.messages)
            bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
          seen += batch.messages.length;
          await group.heartbeat();
          if (seen >= options.events) resolve((performance.now() - startedMs) / 1000);
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  if (bytes === 0) throw new Error('the raw loop read nothing');
  return { events: seen, seconds };
}
