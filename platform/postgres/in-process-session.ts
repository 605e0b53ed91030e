import type { PGlite } from '@electric-sql/pglite';
import { MillraceError, errorText } from '../errors.ts';
import type { EngineSession, Result } from './engine.ts';
import { breaksConnection, wrapPostgresError } from './postgres-error.ts';
import { decoderOf } from './value.ts';

function forEveryType<T>(of: (oid: number) => T): Record<number, T> {
  return new Proxy<Record<number, T>>({}, { get: (_target, oid) => of(Number(oid)) });
}

/**
 * The one session of PGlite. A statement blocks this process until it is done: nothing can cancel it, so the time of a
 * call covers the wait for the session alone.
 */
export class InProcessSession implements EngineSession {
  readonly #database: PGlite;
  readonly #lost = new AbortController();

  constructor(database: PGlite) {
    this.#database = database;
    // PGlite has rules of its own, for every type and for arrays of each.
    database.parsers = forEveryType(decoderOf);
    database.serializers = forEveryType(() => String);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async run(sql: string, params: readonly (string | null)[]): Promise<Result> {
    const { rows, affectedRows } = await this.#guard(() => this.#database.query(sql, params));
    return { rows, affected: affectedRows ?? 0 };
  }

  async script(sql: string): Promise<void> {
    await this.#guard(() => this.#database.exec(sql));
  }

  /** The transaction is rolled back in the same session. */
  abort(): void {
    return;
  }

  release(): void {
    return;
  }

  async #guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!breaksConnection(error)) throw wrapPostgresError(error, 'statement');
      this.#lost.abort();
      throw new MillraceError(
        'MR_POSTGRES_UNAVAILABLE',
        `PostgreSQL in process has failed: ${errorText(error)}`,
        { cause: error, retryable: false },
      );
    }
  }
}
