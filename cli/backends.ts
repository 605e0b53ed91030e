import { migrate } from '../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../platform/clickhouse/open.ts';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import type { Config } from '../platform/config.ts';
import { requireFreeDisk } from '../platform/disk.ts';
import { openKafka } from '../platform/kafka/index.ts';
import type { Kafka } from '../platform/kafka/port.ts';
import type { Logger } from '../platform/log.ts';
import { openOnlineStore } from '../platform/online-store/index.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import type { Lifetime } from '../platform/shutdown.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { topicsOf } from '../schemas/topics.ts';

/** How long a start waits for a broker before it says that there is none. */
const PING_TIMEOUT_MS = 10_000;

export interface Backends {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
}

/** Opens the log alone. */
export async function openLog(config: Config, log: Logger, lifetime: Lifetime): Promise<Kafka> {
  await requireFreeDisk(config.dataDir, config.minFreeDiskMb);
  const kafka = await openKafka({
    brokers: config.kafka.brokers,
    dataDir: config.dataDir,
    clientId: 'millrace',
    log,
  });
  lifetime.add('kafka', kafka);
  await kafka.ping(PING_TIMEOUT_MS);
  return kafka;
}

/** Opens ClickHouse alone. */
export async function openWarehouse(config: Config, log: Logger, lifetime: Lifetime): Promise<ClickHouse> {
  await requireFreeDisk(config.dataDir, config.minFreeDiskMb);
  return lifetime.add(
    'clickhouse',
    await openClickHouse({ config: config.clickhouse, dataDir: config.dataDir, log }),
  );
}

/** Opens the online store alone. */
export async function openStore(config: Config, log: Logger, lifetime: Lifetime): Promise<OnlineStore> {
  const store = await openOnlineStore({
    redis: config.redis,
    dataDir: config.dataDir,
    keyPrefix: config.namespace === '' ? 'mr:' : `mr:${config.namespace}:`,
    log,
  });
  return lifetime.add('online store', store);
}

/** Opens everything that the processors need, with topics and tables in place. */
export async function openBackends(config: Config, log: Logger, lifetime: Lifetime): Promise<Backends> {
  const kafka = await openLog(config, log, lifetime);
  const clickhouse = await openWarehouse(config, log, lifetime);
  const store = await openStore(config, log, lifetime);
  await ensureTopics(config, kafka);
  await migrateTables(clickhouse);
  return { kafka, clickhouse, store };
}

/** Creates the topics of the namespace that are missing. */
export async function ensureTopics(config: Config, kafka: Kafka): Promise<readonly string[]> {
  const topics = topicsOf(config.namespace);
  await kafka.admin.ensureTopics(
    topics.map((topic) => ({ topic: topic.name, partitions: topic.partitions, config: topic.config })),
  );
  return topics.map((topic) => topic.name);
}

/** Brings the tables up to date; the answer names the migrations that ran. */
export async function migrateTables(clickhouse: ClickHouse): Promise<readonly string[]> {
  return migrate(clickhouse, clickhouseMigrations(), { now: Date.now });
}
