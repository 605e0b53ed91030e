/**
 * Connections to the engine in process for statements as they come from outside: any text, any format, streamed both
 * ways, each with a user, limits and an end. The HTTP interface of platform/http/clickhouse stands on it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from 'chdb';
import { loadEngine, importChdb, openDirectory, type Chdb, type LoadChdb } from './chdb-engine.ts';
import { EngineSession } from './engine-session.ts';
import { StatementError } from './statement-error.ts';

export interface StatementPoolOptions {
  /** Folder of the engine. */
  readonly path: string;
  /** Statements that run at once; each holds a thread of libuv's pool while the engine works. */
  readonly size: number;
  /** Statements that may wait for a place. */
  readonly maxWaiting: number;
  readonly load?: LoadChdb;
}

export interface StatementPool {
  /** The version of the engine. */
  readonly version: string;
  readonly running: number;
  readonly waiting: number;
  /**
   * A place and a fresh connection; the caller releases it. Rejects with code 202 where too many wait, and with the
   * reason of the signal.
   */
  acquire(signal: AbortSignal): Promise<EngineSession>;
  /** Lets running statements end for `graceMs`, then cancels them, and closes the engine. */
  close(graceMs?: number): Promise<void>;
}

/** @throws MillraceError MR_EMBEDDED_UNAVAILABLE, MR_EMBEDDED_IN_USE */
export async function openStatementPool(options: StatementPoolOptions): Promise<StatementPool> {
  const engine = await loadEngine(options.load ?? importChdb);
  const keeper = await openDirectory(engine, options.path);
  const version = Buffer.from((await keeper.queryAsync('SELECT version()', { format: 'TSV' })).bytes());
  return new Pool(engine, keeper, version.toString().trim(), options);
}

interface Waiting {
  readonly give: () => void;
}

class Pool implements StatementPool {
  readonly version: string;
  readonly #engine: Chdb;
  /** Keeps the engine alive and cancels the statements of others. */
  readonly #keeper: Session;
  readonly #options: StatementPoolOptions;
  readonly #sessions = new Set<EngineSession>();
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  #closing: Promise<void> | undefined;

  constructor(engine: Chdb, keeper: Session, version: string, options: StatementPoolOptions) {
    this.#engine = engine;
    this.#keeper = keeper;
    this.version = version;
    this.#options = options;
  }

  get running(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async acquire(signal: AbortSignal): Promise<EngineSession> {
    signal.throwIfAborted();
    if (this.#closing !== undefined) throw new StatementError(236, 'ABORTED', 'the server is shutting down');
    await this.#place(signal);
    try {
      return this.#open();
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  /** Takes a place, or waits for one in the order of asking. */
  #place(signal: AbortSignal): Promise<void> {
    if (this.#taken < this.#options.size) {
      this.#taken++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.maxWaiting) {
      const { size, maxWaiting } = this.#options;
      throw new StatementError(
        202,
        'TOO_MANY_SIMULTANEOUS_QUERIES',
        `Too many simultaneous queries: ${size} run and ${maxWaiting} wait`,
      );
    }
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        give: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(entry);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #open(): EngineSession {
    const session = new EngineSession({
      engine: this.#engine,
      connection: new this.#engine.Session(this.#options.path),
      tag: `millrace-${randomUUID()}`,
      cancel: (tag) => this.#cancel(tag),
      onRelease: () => {
        this.#sessions.delete(session);
        this.#free();
      },
    });
    this.#sessions.add(session);
    return session;
  }

  #free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next.give();
  }

  /** In this thread, about a millisecond: the threads of the pool may all be held by what is to be cancelled. */
  #cancel(tag: string): void {
    this.#keeper.query(`KILL QUERY WHERE Settings['log_comment'] = '${tag}' ASYNC`, 'Null');
  }

  close(graceMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const endMs = performance.now() + graceMs;
    while (this.#taken > 0 && performance.now() < endMs) await sleep(20);
    for (const session of this.#sessions)
      session.abort(new StatementError(236, 'ABORTED', 'the server is shutting down'));
    while (this.#taken > 0) await sleep(20);
    this.#keeper.close();
  }
}
