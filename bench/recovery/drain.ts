import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupLag } from '../../platform/kafka/group-lag.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { deadLetterTopic, lateTopic } from '../../schemas/topics.ts';
import { median, rateOf, takeTurns } from '../rounds.ts';
import { Feeder } from './feeder.ts';
import { Worker, type Guarantee } from './worker.ts';

const PARTITIONS = 4;
const KEYS = 2000;
/** As in production. */
const COMMIT_INTERVAL_MS = 1000;
const LOOK_MS = 50;

export interface DrainOptions {
  readonly kafka: Kafka;
  readonly brokers: readonly string[];
  readonly dir: string;
  readonly events: number;
  readonly rounds: number;
  readonly guarantees: readonly Guarantee[];
  readonly note: (line: string) => void;
}

/** Events a second that one worker processes and commits, with each guarantee in turn on the same topic. */
export async function drainRate(options: DrainOptions): Promise<Partial<Record<Guarantee, number>>> {
  const { kafka, events, rounds, guarantees, note } = options;
  const prefix = `drain-${Date.now().toString(36)}`;
  const topic = `${prefix}.views`;
  const topics = [topic, lateTopic(topic), deadLetterTopic(topic)];
  await kafka.admin.ensureTopics(topics.map((each) => ({ topic: each, partitions: PARTITIONS })));
  const feeder = new Feeder(kafka, topic, KEYS);
  await feeder.fill(events);
  await feeder.close();
  let run = 0;
  const contestants = Object.fromEntries(
    guarantees.map((guarantee) => [
      guarantee,
      () => drainOnce(options, { topic, guarantee, name: `${prefix}-${run++}` }),
    ]),
  ) as Record<Guarantee, () => Promise<number>>;
  const rates = await takeTurns(contestants, rounds);
  await kafka.admin.deleteTopics(topics);
  note(`events a second: ${JSON.stringify(rates)}`);
  return Object.fromEntries(guarantees.map((guarantee) => [guarantee, Math.round(median(rates[guarantee]))]));
}

async function drainOnce(
  { kafka, brokers, dir, events }: DrainOptions,
  {
    topic,
    guarantee,
    name,
  }: { readonly topic: string; readonly guarantee: Guarantee; readonly name: string },
): Promise<number> {
  const worker = new Worker({
    ...{ brokers, topic, groupId: name, guarantee, withStandbys: false, dir: join(dir, name) },
    ...{ commitIntervalMs: COMMIT_INTERVAL_MS, sessionTimeoutMs: 15_000 },
  });
  try {
    while (worker.partitions === undefined) {
      worker.check();
      await sleep(LOOK_MS);
    }
    return await rateOf(events, async () => {
      for (;;) {
        worker.check();
        const lags = await groupLag(kafka.admin, name, [topic]);
        if (lags.every(({ lag }) => lag === 0)) return;
        await sleep(LOOK_MS);
      }
    });
  } finally {
    await worker.end('SIGTERM');
  }
}
