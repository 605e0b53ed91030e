import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import { migrate } from '../../platform/clickhouse/migrate.ts';
import { loadConfig } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka, ProduceRecord } from '../../platform/kafka/port.ts';
import { createLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import { clickhouseMigrations } from '../../schemas/migrations.ts';
import { writeReport } from '../report.ts';
import { median } from '../rounds.ts';
import { seededViews } from './events.ts';
import { rawKafkajsLoop } from './raw-loop.ts';
import { runWindowJob } from './window-job.ts';

const PARTITIONS = 4;
const BATCH = 10_000;

export interface StreamsBenchOptions {
  readonly brokers: readonly string[];
  readonly events: number;
  readonly rounds: number;
  /** Told of each step, for a reader. */
  readonly note: (line: string) => void;
}

export interface StreamsBenchResult {
  readonly eventsPerSecond: number;
  readonly rawKafkajsEventsPerSecond: number;
  readonly ratio: number;
}

async function fill(kafka: Kafka, topic: string, events: number): Promise<void> {
  await kafka.admin.ensureTopics([{ topic, partitions: PARTITIONS }]);
  const producer = kafka.producer();
  let batch: ProduceRecord[] = [];
  for (const record of seededViews(topic, events)) {
    batch.push(record);
    if (batch.length === BATCH) {
      await producer.send(batch);
      batch = [];
    }
  }
  if (batch.length > 0) await producer.send(batch);
  await producer.close();
}

/** Runs the benchmark of bench/streams/README.md against a real broker. */
export async function benchStreams(options: StreamsBenchOptions): Promise<StreamsBenchResult> {
  const { brokers, events, rounds, note } = options;
  const log = createLogger('warn', 'bench');
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const run = `bench-${Date.now().toString(36)}`;
  const topic = `${run}.views`;
  const kafka = await openKafka({ config: { brokers }, dataDir, clientId: 'bench', log });
  const config = loadConfig({ MR_CLICKHOUSE_DATABASE: 'bench' });
  const clickhouse = await openClickHouse({ config: config.clickhouse, dataDir, log });
  const store = await openOnlineStore({ redis: { url: undefined }, dataDir, keyPrefix: 'bench:', log });
  try {
    await migrate(clickhouse, clickhouseMigrations(), { now: Date.now });
    note(`writing ${events} events to ${topic}`);
    await fill(kafka, topic, events);
    const raw: number[] = [];
    const ours: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const a = await rawKafkajsLoop({ brokers, topic, groupId: `${run}-raw-${round}`, events });
      raw.push(a.events / a.seconds);
      const b = await runWindowJob({ kafka, clickhouse, store, topic, name: `${run}-job-${round}`, events });
      ours.push(b.events / b.seconds);
      note(
        `round ${round}: raw kafkajs ${Math.round(raw.at(-1) ?? 0)}/s, window job ${Math.round(ours.at(-1) ?? 0)}/s`,
      );
    }
    const result = {
      eventsPerSecond: Math.round(median(ours)),
      rawKafkajsEventsPerSecond: Math.round(median(raw)),
      ratio: Number((median(ours) / median(raw)).toFixed(3)),
    };
    await writeReport(
      'streams',
      { kafkajs: '2.2.4' },
      {
        ...result,
        events,
        rounds,
        rawRounds: raw.map(Math.round),
        jobRounds: ours.map(Math.round),
      },
    );
    await kafka.admin.deleteTopics([topic]);
    return result;
  } finally {
    await store.close();
    await clickhouse.close();
    await kafka.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}
