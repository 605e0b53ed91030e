import { logEndpoints } from '../platform/control/remote-log.ts';
import { migrate } from '../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../platform/clickhouse/open.ts';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import type { Config } from '../platform/config.ts';
import { requireFreeDisk } from '../platform/disk.ts';
import { openKafka } from '../platform/kafka/index.ts';
import { logReader } from '../platform/kafka/log-reader.ts';
import type { Kafka } from '../platform/kafka/port.ts';
import { openOnlineStore } from '../platform/online-store/index.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { topicsOf } from '../schemas/topics.ts';
import type { Session } from './session.ts';

/** How long a start waits for a broker before it says that there is none. */
const PING_TIMEOUT_MS = 10_000;

export interface Backends {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
}

/** Opens the log alone. */
export async function openLog({ config, log, lifetime, own }: Session): Promise<Kafka> {
  await requireFreeDisk(config.dataDir, config.minFreeDiskMb);
  const owner = config.kafka.brokers.length === 0 ? await own() : undefined;
  const kafka = await openKafka({
    config: config.kafka,
    dataDir: config.dataDir,
    clientId: 'millrace',
    minFreeBytes: config.minFreeDiskMb * 1024 * 1024,
    log,
  });
  lifetime.add('kafka', kafka);
  owner?.add({ name: 'kafka', info: (timeoutMs) => kafka.info(timeoutMs) });
  for (const endpoint of logEndpoints(logReader(kafka))) owner?.serve(endpoint);
  await kafka.ping(PING_TIMEOUT_MS);
  return kafka;
}

/** Opens ClickHouse alone. */
export async function openWarehouse({ config, log, lifetime, own }: Session): Promise<ClickHouse> {
  await requireFreeDisk(config.dataDir, config.minFreeDiskMb);
  const owner = config.clickhouse.url === undefined ? await own() : undefined;
  const clickhouse = await openClickHouse({ config: config.clickhouse, dataDir: config.dataDir, log });
  owner?.add({ name: 'clickhouse', info: (timeoutMs) => clickhouse.info(timeoutMs) });
  return lifetime.add('clickhouse', clickhouse);
}

/** Opens the online store alone. */
export async function openStore({ config, log, lifetime, own }: Session): Promise<OnlineStore> {
  const owner = config.redis.url === undefined ? await own() : undefined;
  const store = await openOnlineStore({
    redis: config.redis,
    dataDir: config.dataDir,
    keyPrefix: config.namespace === '' ? 'mr:' : `mr:${config.namespace}:`,
    log,
  });
  owner?.add({ name: 'redis', info: (timeoutMs) => store.info(timeoutMs) });
  return lifetime.add('online store', store);
}

/** Opens everything that the processors need, with topics and tables in place. */
export async function openBackends(session: Session): Promise<Backends> {
  const kafka = await openLog(session);
  const clickhouse = await openWarehouse(session);
  const store = await openStore(session);
  await ensureTopics(session.config, kafka);
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
