import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import type { EngineInfo } from '../engine-info.ts';
import { MillraceError, errorText } from '../errors.ts';
import { loadOptional } from '../optional-package.ts';
import { lockDirectory, type DirectoryLock } from '../directory-lock.ts';
import { folderFault } from '../folder-fault.ts';
import { durableFiles, durableParameters, type NodeFiles } from './durable-files.ts';
import { inTurns, type Engine, type EngineSession, type HeldLock, type SessionSource } from './engine.ts';
import { InProcessSession } from './in-process-session.ts';
import { checkChannel, dispatch, type Listeners } from './listeners.ts';
import type { Listener, Subscription } from './port.ts';
import { Turns } from './turns.ts';

export interface Pglite extends NodeFiles {
  readonly PGlite: Pick<typeof PGlite, 'create' | 'defaultStartParams'>;
}

export interface InProcessOptions {
  readonly path: string;
  /** Loads PGlite; only when the engine is opened, since it is large and optional. */
  readonly load: () => Promise<Pglite>;
}

const DATA = 'pgdata';
const SETUP = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'`;
const UNSUBSCRIBE_TIMEOUT_MS = 5000;

/**
 * PostgreSQL in this process, on a directory of its own. It has one session, which statements and transactions get in
 * turns.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE
 */
export async function openInProcessEngine({ path, load }: InProcessOptions): Promise<Engine> {
  const pglite = await loadPglite(load);
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw folderFault(error, path);
  });
  const directoryLock = await lockDirectory(path);
  try {
    const database = await openDirectory(pglite, path);
    await database.exec(SETUP);
    return new InProcessEngine(database, path, directoryLock);
  } catch (error) {
    await directoryLock.release();
    throw error;
  }
}

function loadPglite(load: () => Promise<Pglite>): Promise<Pglite> {
  const name = '@electric-sql/pglite';
  return loadOptional({ name, gives: 'PostgreSQL in process', setting: 'MR_POSTGRES_URL' }, load);
}

/** New data gets its name when it is complete: a start that was killed half-way is begun afresh. */
async function openDirectory(pglite: Pglite, path: string): Promise<PGlite> {
  const data = join(path, DATA);
  if (!(await isDirectory(data))) {
    const partial = `${data}.new`;
    await rm(partial, { recursive: true, force: true });
    await (await open(pglite, partial)).close();
    await rename(partial, data);
  }
  return open(pglite, data);
}

async function open(pglite: Pglite, directory: string): Promise<PGlite> {
  try {
    return await pglite.PGlite.create({
      fs: durableFiles(pglite, directory),
      startParams: durableParameters(pglite.PGlite.defaultStartParams),
    });
  } catch (error) {
    throw new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      `PostgreSQL in process cannot open its directory: ${errorText(error)}`,
      { context: { engine: 'PGlite', directory }, cause: error },
    );
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

class InProcessEngine implements Engine {
  readonly kind = 'in-process';
  readonly #database: PGlite;
  readonly #path: string;
  readonly #directoryLock: DirectoryLock;
  readonly #session: SessionSource;
  readonly #locks = new Map<string, Turns>();
  readonly #listeners: Listeners = new Map();

  constructor(database: PGlite, path: string, directoryLock: DirectoryLock) {
    this.#database = database;
    this.#path = path;
    this.#directoryLock = directoryLock;
    this.#session = inTurns(new InProcessSession(database), new Turns());
    database.onNotification((channel, payload) => {
      // A listener must not run inside the statement that sent the notification.
      setImmediate(() => dispatch(this.#listeners, channel, payload));
    });
  }

  acquire(operation: string, timeoutMs: number): Promise<EngineSession> {
    return this.#session.acquire(operation, timeoutMs);
  }

  /** Signals and timers do not reach a statement in WebAssembly; the transaction itself watches the time. */
  transactionSettings(): string {
    return '';
  }

  /** The directory has one process, so a lock of this process is as good as one of the server. */
  async lock(key: string, timeoutMs: number): Promise<HeldLock | undefined> {
    const turns = this.#locks.get(key) ?? new Turns();
    this.#locks.set(key, turns);
    const giveBack = await turns.take('lock', timeoutMs).catch(() => undefined);
    if (giveBack === undefined) return undefined;
    return {
      source: this.#session,
      lost: new AbortController().signal,
      release: async () => giveBack(),
    };
  }

  async subscribe(channel: string, listener: Listener): Promise<Subscription> {
    checkChannel(channel);
    const listeners = this.#listeners.get(channel) ?? new Set();
    if (listeners.size === 0) await this.#script('subscribe', `LISTEN ${channel}`);
    listeners.add(listener);
    this.#listeners.set(channel, listeners);
    return {
      close: async () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        this.#listeners.delete(channel);
        await this.#script('unsubscribe', `UNLISTEN ${channel}`);
      },
    };
  }

  async #script(operation: string, sql: string): Promise<void> {
    const session = await this.acquire(operation, UNSUBSCRIBE_TIMEOUT_MS);
    try {
      await session.script(sql);
    } finally {
      session.release();
    }
  }

  async info(timeoutMs: number): Promise<EngineInfo> {
    const session = await this.acquire('info', timeoutMs);
    try {
      const { rows } = await session.run('SHOW server_version', []);
      return {
        engine: 'PGlite',
        version: `PostgreSQL ${String(rows[0]?.['server_version'])}`,
        where: this.#path,
      };
    } finally {
      session.release();
    }
  }

  async close(): Promise<void> {
    try {
      await this.#database.close();
    } finally {
      await this.#directoryLock.release();
    }
  }
}
