import { join } from 'node:path';
import type { ClickHouseConfig } from '../config.ts';
import { requireVersion } from '../version.ts';
import type { Logger } from '../log.ts';
import { importChdb, type LoadChdb } from './chdb-engine.ts';
import { EngineClickHouse } from './client.ts';
import type { Engine } from './engine.ts';
import { openHttpEngine } from './http-engine.ts';
import { openInProcessEngine } from './in-process-engine.ts';
import type { ClickHouse } from './port.ts';

export interface OpenClickHouseOptions {
  readonly config: ClickHouseConfig;
  /** Folder of the embedded engines; the engine in process uses `clickhouse` in it. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Time for a server to answer the first statement; 10,000 where absent. */
  readonly connectTimeoutMs?: number;
  /** Loads the engine in process; for tests. */
  readonly loadChdb?: LoadChdb;
}

/** Settings and functions that the tables and statements use are there from this release on (long-term support). */
const OLDEST_SERVER = '24.8';

/**
 * The server of `config.url`, or the engine in process where there is none. The database exists afterwards.
 * @throws MillraceError MR_CLICKHOUSE_UNAVAILABLE, MR_ENGINE_AUTH_FAILED, MR_ENGINE_TLS_FAILED, MR_ENGINE_TOO_OLD,
 * MR_CLICKHOUSE_QUERY_FAILED (rights), MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE
 */
export async function openClickHouse(options: OpenClickHouseOptions): Promise<ClickHouse> {
  const { config } = options;
  const engine =
    config.url === undefined ? await openEmbedded(options) : await openServer(options, config.url);
  options.log.info({ kind: engine.kind, database: config.database }, 'ClickHouse is open');
  return new EngineClickHouse(engine, config.database);
}

function openEmbedded({ config, dataDir, loadChdb }: OpenClickHouseOptions): Promise<Engine> {
  return openInProcessEngine({
    path: join(dataDir, 'clickhouse'),
    database: config.database,
    load: loadChdb ?? importChdb,
  });
}

async function openServer(options: OpenClickHouseOptions, url: string): Promise<Engine> {
  const { config, connectTimeoutMs = 10_000 } = options;
  const bootstrap = new EngineClickHouse(openHttpEngine(config, url, 'default'), 'default');
  try {
    const { version } = await bootstrap.info(connectTimeoutMs);
    requireVersion('ClickHouse', version, OLDEST_SERVER);
    await createDatabase(bootstrap, config.database, connectTimeoutMs);
  } finally {
    await bootstrap.close();
  }
  return openHttpEngine(config, url, config.database);
}

/** Asks first, since a user without the right to create databases may well use one that exists. */
async function createDatabase(clickhouse: ClickHouse, database: string, timeoutMs: number): Promise<void> {
  const found = await clickhouse.query('SELECT 1 FROM system.databases WHERE name = {name:String}', {
    params: { name: database },
    timeoutMs,
  });
  if (found.length > 0) return;
  await clickhouse.command(`CREATE DATABASE IF NOT EXISTS \`${database}\``, { timeoutMs });
}
