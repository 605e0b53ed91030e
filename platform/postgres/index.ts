import { join } from 'node:path';
import type { PostgresConfig } from '../config.ts';
import type { Logger } from '../log.ts';
import { EnginePostgres } from './client.ts';
import type { Engine } from './engine.ts';
import { openInProcessEngine, type Pglite } from './in-process-engine.ts';
import type { Postgres } from './port.ts';
import { serverAddress } from './server-address.ts';
import { openServerEngine } from './server-engine.ts';

export interface OpenPostgresOptions {
  readonly config: PostgresConfig;
  /** Folder of the embedded engines; PostgreSQL in process uses `postgres` in it. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Longest wait for a connection, the first and every later one; 10,000 where absent. */
  readonly connectTimeoutMs?: number;
  /** Loads PGlite; for tests. */
  readonly loadPglite?: () => Promise<Pglite>;
}

/**
 * The server of `config.url`, or PostgreSQL in process where there is none.
 * @throws MillraceError MR_POSTGRES_UNAVAILABLE, MR_POSTGRES_QUERY_FAILED (no such database), MR_ENGINE_AUTH_FAILED,
 * MR_ENGINE_TLS_FAILED, MR_ENGINE_TOO_OLD, MR_CONFIG_INVALID, MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE
 */
export async function openPostgres(options: OpenPostgresOptions): Promise<Postgres> {
  const engine = await openEngine(options);
  options.log.info({ kind: engine.kind }, 'PostgreSQL is open');
  return new EnginePostgres(engine);
}

async function openEngine(options: OpenPostgresOptions): Promise<Engine> {
  const { config, dataDir, log, connectTimeoutMs = 10_000 } = options;
  const { url } = config;
  if (url === undefined) {
    return openInProcessEngine({ path: join(dataDir, 'postgres'), load: options.loadPglite ?? loadPglite });
  }
  const address = await serverAddress({ ...config, url });
  return openServerEngine({ address, poolSize: config.poolSize, connectTimeoutMs, log });
}

async function loadPglite(): Promise<Pglite> {
  const [{ PGlite }, { NodeFS }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite/nodefs'),
  ]);
  return { PGlite, NodeFS };
}
