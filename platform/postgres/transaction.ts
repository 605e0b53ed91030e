import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import {
  DEFAULT_TIMEOUT_MS,
  type Engine,
  type EngineSession,
  type Result,
  type SessionSource,
} from './engine.ts';
import { encodeParameter } from './parameter.ts';
import type { Parameter, Row, Transaction, TransactionOptions } from './port.ts';
import { commitUnknown, isRepeatable, timedOut } from './postgres-error.ts';

export const NOTIFY = 'SELECT pg_notify($1, $2)';
const DEFAULT_RETRIES = 5;
const FIRST_DELAY_MS = 5;
const LONGEST_DELAY_MS = 250;
/** A commit that has begun is given some time even where the transaction has used up its own. */
const LEAST_COMMIT_MS = 5000;

type Work<T> = (transaction: Transaction) => Promise<T>;
type Settings = Pick<Engine, 'transactionSettings'>;

/** Runs the work in a transaction, again after a deadlock or a serialization failure: see {@link Transaction}. */
export async function runTransaction<T>(
  source: SessionSource & Settings,
  work: Work<T>,
  options: TransactionOptions,
): Promise<T> {
  const { retries = DEFAULT_RETRIES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await runOnce(source, work, { ...options, deadlineMs, timeoutMs });
    } catch (error) {
      const capMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
      const delayMs = capMs / 2 + (Math.random() * capMs) / 2;
      const isLate = performance.now() + delayMs >= deadlineMs;
      if (!isRepeatable(error) || attempt >= retries || isLate) throw error;
      await sleep(delayMs);
    }
  }
}

interface Attempt extends TransactionOptions {
  readonly deadlineMs: number;
  readonly timeoutMs: number;
}

async function runOnce<T>(source: SessionSource & Settings, work: Work<T>, options: Attempt): Promise<T> {
  const leftMs = () => Math.max(1, Math.ceil(options.deadlineMs - performance.now()));
  const session = await source.acquire('transaction', leftMs());
  const open = new OpenTransaction(session);
  try {
    const level = (options.isolation ?? 'read committed').toUpperCase();
    await session.script(`BEGIN ISOLATION LEVEL ${level}; ${source.transactionSettings(leftMs())}`, leftMs());
    const expired = () => {
      session.abort();
      return timedOut('transaction', options.timeoutMs);
    };
    const result = await withDeadline(open.run(work), leftMs(), expired);
    await commit(session, Math.max(LEAST_COMMIT_MS, leftMs()));
    return result;
  } catch (error) {
    open.end();
    await rollBack(session);
    throw open.failure ?? error;
  } finally {
    session.release();
  }
}

async function commit(session: EngineSession, timeoutMs: number): Promise<void> {
  try {
    await session.script('COMMIT', timeoutMs);
  } catch (error) {
    throw session.lost.aborted ? commitUnknown('commit', error) : error;
  }
}

/** A connection on which even this fails is given up, which rolls back as well. */
async function rollBack(session: EngineSession): Promise<void> {
  if (session.lost.aborted) return;
  try {
    await session.script('ROLLBACK', LEAST_COMMIT_MS);
  } catch {
    session.abort();
  }
}

/** What the work is given. */
class OpenTransaction implements Transaction {
  readonly #session: EngineSession;
  readonly #running = new Set<Promise<unknown>>();
  #ended = false;
  /** The first failure of a statement: it has undone the transaction, whatever the work made of it. */
  failure: Error | undefined;

  constructor(session: EngineSession) {
    this.#session = session;
  }

  /** Waits for every statement that the work began, also for those it did not wait for. */
  async run<T>(work: Work<T>): Promise<T> {
    const result = await work(this);
    await Promise.allSettled(this.#running);
    this.end();
    if (this.failure !== undefined) throw this.failure;
    return result;
  }

  end(): void {
    this.#ended = true;
  }

  async query<T extends Row>(sql: string, params: readonly Parameter[] = []): Promise<T[]> {
    return (await this.#run(sql, params)).rows as T[];
  }

  async execute(sql: string, params: readonly Parameter[] = []): Promise<number> {
    return (await this.#run(sql, params)).affected;
  }

  async notify(channel: string, payload = ''): Promise<void> {
    await this.#run(NOTIFY, [channel, payload]);
  }

  async script(sql: string): Promise<void> {
    await this.#track(() => this.#session.script(sql));
  }

  #run(sql: string, params: readonly Parameter[]): Promise<Result> {
    return this.#track(() => this.#session.run(sql, params.map(encodeParameter)));
  }

  async #track<R>(begin: () => Promise<R>): Promise<R> {
    if (this.#ended)
      throw new MillraceError('MR_INTERNAL', 'a statement came after the end of its transaction');
    const running = begin();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }
}
