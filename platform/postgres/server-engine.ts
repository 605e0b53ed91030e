import { createHash } from 'node:crypto';
import pg from 'pg';
import { requireVersion } from '../version.ts';
import { withDeadline } from '../deadline.ts';
import type { EngineInfo } from '../engine-info.ts';
import { MillraceError, errorText } from '../errors.ts';
import type { Logger } from '../log.ts';
import { inTurns, type Engine, type EngineSession, type HeldLock } from './engine.ts';
import type { Listener, Subscription } from './port.ts';
import { timedOut, wrapPostgresError } from './postgres-error.ts';
import type { ServerAddress } from './server-address.ts';
import { ServerListener } from './server-listener.ts';
import { ServerSession } from './server-session.ts';
import { Turns } from './turns.ts';
import { decoderOf } from './value.ts';

export interface ServerEngineOptions {
  readonly address: ServerAddress;
  readonly poolSize: number;
  /** For a connection of the pool to become free, or for a new one. */
  readonly connectTimeoutMs: number;
  readonly log: Logger;
}

const LEAST_VERSION = '15';
/** From this version on, a server ends whole transactions in time. */
const TRANSACTION_TIMEOUT_VERSION = 170_000;
const IDLE_MS = 30_000;
/** A connection is replaced after this time, so that none sticks to a server that stopped being the primary. */
const LIFETIME_S = 3600;
const UNLOCK_TIMEOUT_MS = 5000;
const QUERY_CANCELED = '57014';

/**
 * A server through a pool of connections; one statement has been answered when this resolves.
 * @throws MillraceError MR_POSTGRES_UNAVAILABLE, MR_ENGINE_AUTH_FAILED, MR_ENGINE_TLS_FAILED, MR_ENGINE_TOO_OLD
 */
export async function openServerEngine(options: ServerEngineOptions): Promise<Engine> {
  const engine = new ServerEngine(options);
  try {
    await engine.start();
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

function clientConfig({ address, connectTimeoutMs }: ServerEngineOptions): pg.ClientConfig {
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    ssl: address.ssl,
    application_name: 'millrace',
    keepAlive: true,
    // The deadline of acquire comes first, with a message that says more.
    connectionTimeoutMillis: connectTimeoutMs + 500,
    types: { getTypeParser: (oid: number) => decoderOf(oid) },
  };
}

class ServerEngine implements Engine {
  readonly kind = 'server';
  readonly #options: ServerEngineOptions;
  readonly #pool: pg.Pool;
  readonly #listener: ServerListener;
  #versionNumber = 0;

  constructor(options: ServerEngineOptions) {
    this.#options = options;
    const config = clientConfig(options);
    this.#pool = new pg.Pool({
      ...config,
      max: options.poolSize,
      idleTimeoutMillis: IDLE_MS,
      maxLifetimeSeconds: LIFETIME_S,
    });
    // An idle connection broke; the pool has dropped it, and the next call opens another.
    this.#pool.on('error', (error) =>
      options.log.debug({ error: errorText(error) }, 'an idle connection to PostgreSQL broke'),
    );
    this.#listener = new ServerListener(() => new pg.Client(config), options.log);
  }

  async start(): Promise<void> {
    const { version, number } = await this.#version(this.#options.connectTimeoutMs);
    requireVersion('PostgreSQL', version, LEAST_VERSION);
    this.#versionNumber = number;
  }

  async acquire(operation: string, timeoutMs: number): Promise<EngineSession> {
    const limitMs = Math.min(timeoutMs, this.#options.connectTimeoutMs);
    const session = await this.#connect(operation, limitMs);
    try {
      await session.prepare(limitMs);
      return session;
    } catch (error) {
      session.release();
      throw error;
    }
  }

  async #connect(operation: string, limitMs: number): Promise<ServerSession> {
    const connecting = this.#pool.connect();
    try {
      return new ServerSession(await withDeadline(connecting, limitMs, () => this.#late(operation, limitMs)));
    } catch (error) {
      // A connection that comes after all belongs to nobody.
      void connecting.then(
        (client) => client.release(),
        () => undefined,
      );
      throw wrapPostgresError(error, operation);
    }
  }

  #late(operation: string, limitMs: number): MillraceError {
    const isBusy = this.#pool.totalCount >= this.#options.poolSize && this.#pool.idleCount === 0;
    if (!isBusy || this.#pool.waitingCount === 0) return timedOut(operation, limitMs);
    return new MillraceError('MR_POSTGRES_UNAVAILABLE', 'no connection of the pool became free in time', {
      context: { operation, limitMs, poolSize: this.#options.poolSize },
    });
  }

  transactionSettings(timeoutMs: number): string {
    const whole =
      this.#versionNumber >= TRANSACTION_TIMEOUT_VERSION
        ? `SET LOCAL transaction_timeout = ${timeoutMs + 500};`
        : '';
    return `SET LOCAL statement_timeout = ${timeoutMs};
SET LOCAL idle_in_transaction_session_timeout = ${timeoutMs + 500}; ${whole}`;
  }

  async lock(key: string, timeoutMs: number): Promise<HeldLock | undefined> {
    const session = await this.acquire('lock', timeoutMs === 0 ? this.#options.connectTimeoutMs : timeoutMs);
    try {
      if (await takeLock(session, lockNumber(key), timeoutMs)) return heldLock(session, lockNumber(key));
    } catch (error) {
      session.release();
      throw error;
    }
    session.release();
    return undefined;
  }

  subscribe(channel: string, listener: Listener): Promise<Subscription> {
    return this.#listener.subscribe(channel, listener, this.#options.connectTimeoutMs);
  }

  async info(timeoutMs: number): Promise<EngineInfo> {
    const { version } = await this.#version(timeoutMs);
    const { host, port, database } = this.#options.address;
    return {
      engine: 'PostgreSQL',
      version,
      where: `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`,
    };
  }

  async #version(timeoutMs: number): Promise<{ version: string; number: number }> {
    const session = await this.acquire('info', timeoutMs);
    try {
      const { rows } = await session.run(
        `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number`,
        [],
        timeoutMs,
      );
      return { version: String(rows[0]?.['version']), number: Number(rows[0]?.['number']) };
    } finally {
      session.release();
    }
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#pool.end();
  }
}

async function takeLock(session: EngineSession, number: string, timeoutMs: number): Promise<boolean> {
  if (timeoutMs === 0) {
    const { rows } = await session.run(
      'SELECT pg_try_advisory_lock($1) AS taken',
      [number],
      UNLOCK_TIMEOUT_MS,
    );
    return rows[0]?.['taken'] === true;
  }
  try {
    await session.run('SELECT pg_advisory_lock($1)', [number], timeoutMs);
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.context['sqlState'] === QUERY_CANCELED) return false;
    throw error;
  }
}

function heldLock(session: EngineSession, number: string): HeldLock {
  const turns = new Turns();
  return {
    source: inTurns(session, turns),
    lost: session.lost,
    release: async () => {
      // Behind whatever the work left running on this connection.
      const giveBack = await turns.take('unlock', UNLOCK_TIMEOUT_MS).catch(() => undefined);
      try {
        if (giveBack === undefined) session.abort();
        else if (!session.lost.aborted) {
          await session.run('SELECT pg_advisory_unlock($1)', [number], UNLOCK_TIMEOUT_MS);
        }
      } catch {
        session.abort(); // the server gives the lock away with the connection
      } finally {
        session.release();
        giveBack?.();
      }
    },
  };
}

/** Advisory locks have numbers of 64 bits: the first of the key's hash. */
function lockNumber(key: string): string {
  return createHash('sha256').update(`millrace:${key}`).digest().readBigInt64BE(0).toString();
}
