/** Starts single stages on open backends; every part is added to the lifetime, so that it ends with the command. */
import { join } from 'node:path';
import { createCollector } from '../ingest/collector/create-collector.ts';
import { loadOrCreateIngestKey } from '../ingest/keys.ts';
import { openStatementPool } from '../platform/clickhouse/statement-pool.ts';
import type { Config, Secret } from '../platform/config.ts';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import { MillraceError, errorText } from '../platform/errors.ts';
import { createClickHouseServer, type Account } from '../platform/http/clickhouse/index.ts';
import {
  createHttpServer,
  listen,
  registerHealth,
  registerMetrics,
  type Check,
} from '../platform/http/index.ts';
import type { Kafka } from '../platform/kafka/port.ts';
import type { Logger } from '../platform/log.ts';
import { createMetrics, type Metrics } from '../platform/metrics.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import type { Lifetime } from '../platform/shutdown.ts';
import { startProcessors, type Processors } from '../processors/start.ts';
import { createServing } from '../serving/server.ts';
import { startAuditing } from './audit/start-auditing.ts';
import type { Backends } from './backends.ts';
import type { Session } from './session.ts';

interface StageOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly lifetime: Lifetime;
  /** The data folder of embedded engines, to answer those who ask beside this process. */
  readonly own?: Session['own'];
}

const PING_TIMEOUT_MS = 1000;

async function check(name: string, ping: () => Promise<void>): Promise<Check> {
  try {
    await ping();
    return { name, ok: true };
  } catch (error) {
    return { name, ok: false, detail: errorText(error) };
  }
}

export interface IngestStage {
  readonly url: string;
  /** A key that may send events. */
  readonly key: Secret;
}

/** The collector. Without configured keys, one is made in the data folder. */
export async function startIngest(
  kafka: Kafka,
  { config, log, lifetime }: StageOptions,
): Promise<IngestStage> {
  const keys = config.ingest.keys.length > 0 ? config.ingest.keys : [loadOrCreateIngestKey(config.dataDir)];
  const producer = lifetime.add('ingest producer', kafka.producer());
  const app = createCollector({
    producer,
    namespace: config.namespace,
    config: config.ingest,
    keys,
    metrics: createMetrics(),
    log,
    now: Date.now,
    ready: async () => [await check('kafka', () => kafka.ping(PING_TIMEOUT_MS))],
  });
  lifetime.add('collector', app);
  const url = await listen(app, { host: config.httpHost, port: config.ingest.port });
  const [key] = keys;
  if (key === undefined) throw new Error('the collector has no key');
  return { url, key };
}

/** The recommendations API and the console. */
export async function startServing(
  backends: { readonly kafka: Kafka; readonly store: OnlineStore; readonly clickhouse?: ClickHouse },
  { config, log, lifetime }: StageOptions,
): Promise<{ readonly url: string; readonly metrics: Metrics }> {
  const metrics = createMetrics();
  const producer = lifetime.add('serving producer', backends.kafka.producer());
  const serving = await createServing({
    store: backends.store,
    producer,
    clickhouse: backends.clickhouse,
    namespace: config.namespace,
    config,
    metrics,
    log,
    now: Date.now,
    random: Math.random,
  });
  lifetime.add('serving', serving);
  return { url: await serving.listen(), metrics };
}

/** The processors, with a server for their health and metrics. */
export async function startProcessing(
  backends: Backends,
  options: StageOptions,
): Promise<{ readonly url: string; readonly processors: Processors }> {
  const { config, log, lifetime } = options;
  const metrics = createMetrics();
  const processors = await startProcessors({ ...backends, config, metrics, log });
  lifetime.add('processors', processors);
  await startAuditing({ ...options, backends, metrics, runner: processors.runner });
  const app = createHttpServer({ name: 'processors', log });
  registerHealth(app, {
    live: () => processors.runner.isAlive,
    ready: async () =>
      Promise.all([
        check('kafka', () => backends.kafka.ping(PING_TIMEOUT_MS)),
        check('clickhouse', () => backends.clickhouse.ping(PING_TIMEOUT_MS)),
        check('online-store', () => backends.store.ping(PING_TIMEOUT_MS)),
      ]),
  });
  registerMetrics(app, metrics.registry);
  lifetime.add('processors http', app);
  return { url: await listen(app, { host: config.httpHost, port: config.processorsPort }), processors };
}

export interface ClickHouseStage {
  readonly url: string;
  /** Who may log in; their passwords are in the settings. */
  readonly accounts: readonly Pick<Account, 'user' | 'isReader'>[];
  readonly version: string;
}

const CLICKHOUSE_CONNECTIONS = 4;
const CLICKHOUSE_MAX_WAITING = 200;

/**
 * Serves the ClickHouse engine in process over ClickHouse's HTTP interface, from the process that has it open.
 * @throws MillraceError MR_CONFIG_INVALID, MR_PORT_TAKEN, MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE
 */
export async function startClickHouseServer(
  { config, log, lifetime }: StageOptions,
  { port = config.clickhouseServer.port, readOnly = false }: { port?: number; readOnly?: boolean } = {},
): Promise<ClickHouseStage> {
  const accounts = clickHouseAccounts(config, readOnly);
  const path = join(config.dataDir, 'clickhouse');
  const pool = await openStatementPool({
    path,
    size: CLICKHOUSE_CONNECTIONS,
    maxWaiting: CLICKHOUSE_MAX_WAITING,
  });
  const app = createClickHouseServer({
    pool,
    accounts,
    spillDir: join(path, 'tmp'),
    log,
    metrics: createMetrics(),
    now: () => performance.now(),
  });
  lifetime.add('clickhouse server', {
    async close() {
      const closed = app.close();
      await pool.close();
      app.server.closeAllConnections();
      await closed;
    },
  });
  const url = await listen(app, { host: config.httpHost, port });
  return { url, accounts, version: pool.version };
}

/** {@link startClickHouseServer} beside other stages: without a password, its tables can only be read. */
export function startTablesServer(options: StageOptions): Promise<ClickHouseStage> {
  return startClickHouseServer(options, { readOnly: options.config.clickhouse.password.reveal() === '' });
}

function clickHouseAccounts(
  { clickhouse, clickhouseServer, httpHost }: Config,
  readOnly: boolean,
): Account[] {
  const { user, password } = clickhouse;
  const { readOnlyUser, readOnlyPassword } = clickhouseServer;
  const accounts: Account[] = [{ user, password, isReader: readOnly }];
  if (readOnlyPassword !== undefined) {
    if (readOnlyUser === user)
      throw new MillraceError(
        'MR_CONFIG_INVALID',
        `MR_CLICKHOUSE_USER and MR_CLICKHOUSE_READONLY_USER are both ${user}: they must differ`,
      );
    accounts.push({ user: readOnlyUser, password: readOnlyPassword, isReader: true });
  }
  const open = accounts.find((account) => account.password.reveal() === '');
  if (open !== undefined && !/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(httpHost))
    throw new MillraceError(
      'MR_CONFIG_INVALID',
      `The ClickHouse user ${open.user} has no password: set MR_CLICKHOUSE_PASSWORD, or bind to loopback (MR_HTTP_HOST)`,
    );
  return accounts;
}
