/** The shop's processors on embedded engines with simulated traffic, and an auditor beside them. */
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { ensureTopics } from '../../cli/backends.ts';
import { takeEvent, toProduceRecord } from '../../ingest/public-event.ts';
import { createShop } from '../../ingest/simulator/shop.ts';
import { migrate } from '../../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../../platform/clickhouse/open.ts';
import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import { createBatchWriter } from '../../platform/clickhouse/writer.ts';
import { parseConfig, Secret, type Config } from '../../platform/config.ts';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import type { Kafka, ProduceRecord } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import type { OnlineStore } from '../../platform/online-store/port.ts';
import { FULL_DEPTH, shopAuditor, type AuditDepth } from '../../processors/audit/shop-auditor.ts';
import { processorsGroup } from '../../processors/application.ts';
import type { AuditReport } from '../../processors/runtime/audit/index.ts';
import { StreamRunner, type RunnerOptions } from '../../processors/runtime/run/runner.ts';
import type { RowWriter } from '../../processors/runtime/task/sinks.ts';
import { shopTopology } from '../../processors/topologies.ts';
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import { clickhouseMigrations } from '../../schemas/migrations.ts';
import { VERSIONED_TABLES } from '../../schemas/tables.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { shopEvent } from '../harness/shop-events.ts';
import { temporaryDir } from '../harness/temporary-dir.ts';
import { waitUntil } from '../harness/wait-until.ts';

export interface AuditedShop {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
  readonly config: Config;
  start(overrides?: Partial<RunnerOptions>): Promise<StreamRunner>;
  send(records: readonly ProduceRecord[]): Promise<void>;
  /** Resolves when everything was read and committed, and time has closed the windows. */
  settled(): Promise<void>;
  /** A pass of an auditor that knows nothing yet. */
  audit(): Promise<AuditReport>;
  /** Lets go of the data folder. */
  close(): Promise<void>;
  /** An auditor that remembers from pass to pass. */
  auditor(depth?: AuditDepth): { pass(): Promise<AuditReport> };
}

export interface AuditedShopOptions {
  /** Of the online store, which is embedded where absent. */
  readonly redisUrl?: string;
  /** Data folder of an earlier one that was closed; a new one where absent. */
  readonly dataDir?: string;
}

export async function auditedShop({
  redisUrl,
  dataDir: given,
}: AuditedShopOptions = {}): Promise<AuditedShop> {
  const dataDir = given ?? (await temporaryDir());
  const config = parseConfig({ MR_DATA_DIR: dataDir, MR_COMMIT_INTERVAL: '100ms', MR_LOG_LEVEL: 'error' });
  const log = silentLogger();
  const kafka = await openEmbeddedLog({ dir: `${dataDir}/log`, log, fsync: false });
  const clickhouse = await openClickHouse({ config: config.clickhouse, dataDir, log });
  const redis = redisUrl === undefined ? config.redis : { ...config.redis, url: new Secret(redisUrl) };
  const store = await openOnlineStore({ redis, dataDir, keyPrefix: 'mr:', deadlineMs: 10_000, log });
  const running: StreamRunner[] = [];
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await Promise.all(running.map((runner) => runner.stop()));
    await store.close();
    await clickhouse.close();
    await kafka.close();
  };
  onTestFinished(close);
  await migrate(clickhouse, clickhouseMigrations(), { now: Date.now });
  await ensureTopics(config, kafka);
  const { subtopologies } = shopTopology(config.processing);
  const groupId = processorsGroup('');
  const auditor = (depth = FULL_DEPTH) =>
    shopAuditor({ config, kafka, clickhouse, store, now: Date.now, depth });
  return {
    ...{ kafka, clickhouse, store, config, auditor, close },
    audit: () => auditor().pass(),
    async start(overrides = {}) {
      const runner = new StreamRunner({
        ...{ subtopologies, groupId, namespace: '', kafka, store },
        rows: rowWriter(clickhouse),
        watermark: { outOfOrderMs: 0, idleTimeoutMs: 300 },
        ...{ commitIntervalMs: 100, onlineFlushIntervalMs: 20, now: Date.now, newId: randomUUID, log },
        ...overrides,
      });
      running.push(runner);
      await runner.start();
      return runner;
    },
    async send(records) {
      await kafka.producer().send(records);
    },
    async settled() {
      const isDone = async () => {
        const topics = subtopologies.flatMap(({ inputs }) => inputs.map(({ topic }) => topic));
        for (const topic of topics) {
          const committed = await kafka.admin.committed(groupId, topic);
          for (const { partition, end } of await kafka.admin.offsets(topic))
            if ((committed.find((o) => o.partition === partition)?.offset ?? 0) < end) return false;
        }
        // Windows close a moment after the last record, by the clock; how many rows they have depends on that, too.
        const counts: number[] = [];
        for (const table of Object.keys(VERSIONED_TABLES)) {
          const [row] = await clickhouse.query<{ n: number }>(`SELECT count() AS n FROM ${table}`);
          counts.push(row?.n ?? 0);
        }
        const found = counts.join();
        if (found !== last.found) last = { found, sinceMs: performance.now() };
        return counts.every((count) => count >= 3) || performance.now() - last.sinceMs > SILENT_MS;
      };
      let last = { found: '', sinceMs: 0 };
      await waitUntil(isDone, { timeoutMs: 120_000, what: 'everything committed' });
    },
  };
}

function rowWriter(clickhouse: ClickHouse): RowWriter {
  const limits = { maxRows: 50_000, maxBytes: 2 ** 26, sparesRefused: true };
  return createBatchWriter(clickhouse, { ...limits, log: silentLogger() });
}

/** Dies between the rows of a commit and its transaction, after so many commits. */
export function dyingWriter({ clickhouse }: AuditedShop, commits: number): RowWriter {
  const writer = rowWriter(clickhouse);
  let flushes = 0;
  return {
    add: (table, rows) => writer.add(table, rows),
    async flush() {
      const refused = await writer.flush();
      if (++flushes > commits) throw new Error('died between the rows and their transaction');
      return refused;
    },
  };
}

const DAY_MS = 86_400_000;
/** Longer than windows need to close: what has not come by then does not come. */
const SILENT_MS = 15_000;

/** What a shop says in some minutes until now, with repeated, late and broken records and answers among them. */
export function traffic(seed: number, minutes: number): ProduceRecord[] {
  const startMs = Date.now() - minutes * 60_000;
  const shop = createShop({
    ...{ seed, epoch: seed, startMs, parcelSilenceMs: 60_000, cardBurstCount: 5, cardBurstWindowMs: 60_000 },
  });
  const events = [...shop.tables(startMs)];
  for (let atMs = startMs; atMs < startMs + minutes * 60_000; atMs += 1000)
    events.push(...shop.tick(atMs, 8).events);
  const records = events.map((event) => toProduceRecord(takeEvent(event, event.eventTime), ''));
  const numbers = Array.from({ length: 30 }, (_, n) => n + 1);
  const served = numbers.map((n) =>
    topicRecord(
      'shop.served',
      shopEvent('RecommendationsServed', { eventTime: startMs + n, experiment: 'ü' }),
    ),
  );
  const decided = numbers.map((n) =>
    topicRecord('shop.risk-decisions', shopEvent('RiskDecided', { eventTime: startMs + n, score: 0.1 + n })),
  );
  const late = shopEvent('PageViewed', {
    eventTime: startMs - DAY_MS,
    ingestTime: startMs + minutes * 60_000,
  });
  const broken = { topic: 'shop.orders', key: 'x', value: Buffer.from('no event'), timestampMs: Date.now() };
  return [
    ...records,
    ...records.slice(100, 200),
    ...served,
    ...decided,
    broken,
    topicRecord('shop.clickstream', late),
  ];
}

export function topicRecord(topic: string, event: MillraceEvent): ProduceRecord {
  return { topic, key: 'key', value: encodeEvent(event), timestampMs: event.ingestTime };
}
