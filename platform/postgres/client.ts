import { AsyncLocalStorage } from 'node:async_hooks';
import type { EngineInfo } from '../engine-info.ts';
import { MillraceError } from '../errors.ts';
import { DEFAULT_TIMEOUT_MS, type Engine, type HeldLock, type Result, type SessionSource } from './engine.ts';
import { encodeParameter } from './parameter.ts';
import type {
  CallOptions,
  Listener,
  LockSession,
  Parameter,
  Postgres,
  Row,
  Statements,
  Subscription,
  Transaction,
  TransactionOptions,
} from './port.ts';
import { closed, commitUnknown } from './postgres-error.ts';
import { NOTIFY, runTransaction } from './transaction.ts';

/** The transaction that a call is made in, if any. */
const inside = new AsyncLocalStorage<{ readonly engine: Engine; active: boolean }>();

const READS = /^[\s(]*(select|show|values|table)\b/i;

/** Statements over the sessions of a source: the pool, or the one session of a lock. */
class SourceStatements implements Statements {
  readonly #engine: Engine;
  readonly #source: SessionSource;

  constructor(engine: Engine, source: SessionSource) {
    this.#engine = engine;
    this.#source = source;
  }

  async query<T extends Row>(
    sql: string,
    params: readonly Parameter[] = [],
    options: CallOptions = {},
  ): Promise<T[]> {
    return (await this.#run('query', sql, params, options)).rows as T[];
  }

  async execute(sql: string, params: readonly Parameter[] = [], options: CallOptions = {}): Promise<number> {
    return (await this.#run('execute', sql, params, options)).affected;
  }

  async notify(channel: string, payload = ''): Promise<void> {
    await this.#run('notify', NOTIFY, [channel, payload], {});
  }

  async transaction<T>(
    work: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    refuseInside(this.#engine, 'transaction');
    const source = {
      acquire: (operation: string, timeoutMs: number) => this.#source.acquire(operation, timeoutMs),
      transactionSettings: (timeoutMs: number) => this.#engine.transactionSettings(timeoutMs),
    };
    return runTransaction(source, (transaction) => this.#marked(() => work(transaction)), options);
  }

  /** What the work left running may use the database again once the transaction is over. */
  async #marked<T>(work: () => Promise<T>): Promise<T> {
    const mark = { engine: this.#engine, active: true };
    try {
      return await inside.run(mark, work);
    } finally {
      mark.active = false;
    }
  }

  async #run(
    operation: string,
    ...[sql, params, { timeoutMs = DEFAULT_TIMEOUT_MS }]: [string, readonly Parameter[], CallOptions]
  ): Promise<Result> {
    refuseInside(this.#engine, operation);
    const values = params.map(encodeParameter);
    const session = await this.#source.acquire(operation, timeoutMs);
    try {
      return await session.run(sql, values, timeoutMs);
    } catch (error) {
      throw session.lost.aborted && !READS.test(sql) ? commitUnknown(operation, error) : error;
    } finally {
      session.release();
    }
  }
}

/** In process it would wait for itself, on a server it would silently stand outside the transaction. */
function refuseInside(engine: Engine, operation: string): void {
  const mark = inside.getStore();
  if (mark?.active !== true || mark.engine !== engine) return;
  throw new MillraceError(
    'MR_INTERNAL',
    'the database was used inside the work of a transaction: use the transaction that the work was given',
    { context: { operation } },
  );
}

/** The port over an engine. */
export class EnginePostgres implements Postgres {
  readonly #engine: Engine;
  readonly #statements: SourceStatements;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#statements = new SourceStatements(engine, engine);
  }

  get kind(): Postgres['kind'] {
    return this.#engine.kind;
  }

  query<T extends Row>(sql: string, params?: readonly Parameter[], options?: CallOptions): Promise<T[]> {
    return this.#call('query', () => this.#statements.query<T>(sql, params, options));
  }

  execute(sql: string, params?: readonly Parameter[], options?: CallOptions): Promise<number> {
    return this.#call('execute', () => this.#statements.execute(sql, params, options));
  }

  notify(channel: string, payload?: string): Promise<void> {
    return this.#call('notify', () => this.#statements.notify(channel, payload));
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#call('transaction', () => this.#statements.transaction(work, options));
  }

  withLock<T>(
    key: string,
    work: (session: LockSession) => Promise<T>,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: CallOptions = {},
  ): Promise<T> {
    return this.#call('withLock', async () => {
      const lock = await this.#lock(key, timeoutMs);
      if (lock !== undefined) return this.#runLocked(lock, work);
      throw new MillraceError('MR_POSTGRES_CONTENTION', 'another process held the lock for too long', {
        context: { key, timeoutMs },
      });
    });
  }

  tryWithLock<T>(
    key: string,
    work: (session: LockSession) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined> {
    return this.#call('tryWithLock', async () => {
      const lock = await this.#lock(key, 0);
      return lock === undefined ? undefined : { result: await this.#runLocked(lock, work) };
    });
  }

  subscribe(channel: string, listener: Listener): Promise<Subscription> {
    return this.#call('subscribe', () => this.#engine.subscribe(channel, listener));
  }

  info(timeoutMs: number): Promise<EngineInfo> {
    return this.#call('info', () => this.#engine.info(timeoutMs));
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.query('SELECT 1', [], { timeoutMs });
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => this.#engine.close());
    return this.#closing;
  }

  async #lock(key: string, timeoutMs: number): Promise<HeldLock | undefined> {
    refuseInside(this.#engine, 'lock');
    return this.#engine.lock(key, timeoutMs);
  }

  async #runLocked<T>(lock: HeldLock, work: (session: LockSession) => Promise<T>): Promise<T> {
    const session = Object.assign(new SourceStatements(this.#engine, lock.source), { lost: lock.lost });
    try {
      return await work(session);
    } finally {
      await lock.release();
    }
  }

  async #call<T>(operation: string, call: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closed(operation);
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}
