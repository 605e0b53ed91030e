import { logEndpoints, remoteLog } from '../platform/control/remote-log.ts';
import { migrate } from '../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../platform/clickhouse/open.ts';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import type { Config } from '../platform/config.ts';
import { requireFreeDisk } from '../platform/disk.ts';
import { hasCode } from '../platform/errors.ts';
import { openKafka } from '../platform/kafka/index.ts';
import { logReader, type LogReader } from '../platform/kafka/log-reader.ts';
import type { Kafka } from '../platform/kafka/port.ts';
import { openOnlineStore } from '../platform/online-store/index.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import type { RowInsert } from '../processors/runtime/dead-letters/send-letters.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { topicsOf } from '../schemas/topics.ts';
import { redriveEndpoint } from './dlq/redrive.ts';
import type { Session } from './session.ts';

/** How long a start waits for a broker before it says that there is none. */
const PING_TIMEOUT_MS = 10_000;

export interface Backends {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
}

/** Opens the log alone. */
export async function openLog(session: Session): Promise<Kafka> {
  const { config, log, lifetime, own } = session;
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
  owner?.serve(redriveEndpoint(kafka, rowInsert(session)));
  await kafka.ping(PING_TIMEOUT_MS);
  return kafka;
}

/** A log for reading, and the log itself where it is open here. */
export interface OpenReader {
  readonly log: LogReader;
  /** Undefined where another process owns the data folder: then `log` asks it through its control socket. */
  readonly kafka: Kafka | undefined;
}

/** The log of the configuration for reading: Kafka's, the embedded one, or its owner's. */
export async function openReader(session: Session): Promise<OpenReader> {
  const { config, own } = session;
  if (config.kafka.brokers.length === 0) {
    try {
      await own();
    } catch (error) {
      if (!hasCode(error, 'MR_EMBEDDED_IN_USE')) throw error;
      return { log: remoteLog(config.dataDir), kafka: undefined };
    }
  }
  const kafka = await openLog(session);
  return { log: logReader(kafka), kafka };
}

/** Inserts rows with the ClickHouse of a session, which is opened for the first of them where it is not open yet. */
export function rowInsert(session: Session): RowInsert {
  return async (table, rows) => (await openWarehouse(session)).insert(table, rows);
}

const warehouses = new WeakMap<Session, Promise<ClickHouse>>();

/** Opens ClickHouse alone; once for a session. */
export function openWarehouse(session: Session): Promise<ClickHouse> {
  const open = warehouses.get(session) ?? openWarehouseOf(session);
  warehouses.set(session, open);
  return open;
}

async function openWarehouseOf({ config, log, lifetime, own }: Session): Promise<ClickHouse> {
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
