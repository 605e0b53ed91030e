import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Launched } from '../../cli/stack/launch.ts';
import { untilAnswers } from '../../cli/stack/launch.ts';
import {
  endPostgres,
  postgresAnswers,
  postgresUrl,
  startPostgres,
  wipePostgres,
  type PostgresServerOptions,
} from '../../cli/stack/postgres-server.ts';
import { isRunning } from '../../cli/stack/process-identity.ts';
import { freePort } from './free-port.ts';
import { waitUntil } from './wait-until.ts';

/** A PostgreSQL of this test alone, which may be killed and started again on the same port and data. */
export interface SpawnedPostgres {
  /** With user and password of a superuser. */
  readonly url: string;
  readonly port: number;
  /** SIGKILL to the server: no shutdown, no checkpoint; its sessions end with it. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill} or {@link shutDown}, and waits for its recovery. */
  restart(): Promise<void>;
  /** Fast shutdown: the sessions are told, the data stays. */
  shutDown(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

export type SpawnPostgresOptions = Pick<PostgresServerOptions, 'settings' | 'tls'>;

const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 20_000;

/** Starts PostgreSQL on a free port; it ends with this process at the latest. */
export async function spawnPostgres(options: SpawnPostgresOptions = {}): Promise<SpawnedPostgres> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-postgres-'));
  const server: PostgresServerOptions = {
    ...options,
    port: await freePort(),
    dir,
    user: 'millrace',
    password: 'p:@ss/wörd',
    database: 'millrace',
  };
  let launched = await start(server);
  const endWithProcess = () => {
    if (isRunning(launched.ref)) process.kill(launched.ref.pid, 'SIGKILL');
  };
  process.once('exit', endWithProcess);
  return {
    url: postgresUrl(server),
    port: server.port,
    kill: async () => {
      endWithProcess();
      await waitUntil(() => !isRunning(launched.ref), { what: 'the end of postgres' });
    },
    restart: async () => {
      launched = await waitUntil(() => restart(server), { what: 'a restart', timeoutMs: START_TIMEOUT_MS });
    },
    shutDown: async () => {
      await endPostgres(launched.ref, END_TIMEOUT_MS);
    },
    stop: async () => {
      await endPostgres(launched.ref, END_TIMEOUT_MS);
      process.removeListener('exit', endWithProcess);
      await wipePostgres(dir);
    },
  };
}

async function start(server: PostgresServerOptions): Promise<Launched> {
  const launched = await startPostgres(server);
  await untilAnswers(
    launched,
    () => postgresAnswers(server.port, 1000),
    performance.now() + START_TIMEOUT_MS,
  );
  return launched;
}

/** For a moment after SIGKILL the sessions still hold the shared memory, and a new server refuses to start. */
async function restart(server: PostgresServerOptions): Promise<Launched | undefined> {
  try {
    return await start(server);
  } catch (error) {
    if (error instanceof Error && error.message.includes('shared memory block')) return undefined;
    throw error;
  }
}
