import type { PoolClient, QueryConfig } from 'pg';
import { withDeadline } from '../deadline.ts';
import { DEFAULT_TIMEOUT_MS, type EngineSession, type Result } from './engine.ts';
import { breaksConnection, timedOut, wrapPostgresError } from './postgres-error.ts';
import type { Row } from './port.ts';

/** The server cancels; only where it does not even do that is the connection broken, this much later. */
const GRACE_MS = 1000;

/** What every connection starts with: texts that the decoders expect, and limits that hold where nothing else is said. */
const SETUP = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
SET extra_float_digits = 1; SET client_encoding = 'UTF8'; SET statement_timeout = ${DEFAULT_TIMEOUT_MS};
SET idle_in_transaction_session_timeout = ${2 * DEFAULT_TIMEOUT_MS}`;

/** statement_timeout of each connection that has been set up. */
const timeouts = new WeakMap<PoolClient, number>();

/** A connection out of the pool. */
export class ServerSession implements EngineSession {
  readonly #client: PoolClient;
  readonly #lost = new AbortController();
  readonly #onError: () => void;
  #isSpoiled = false;
  #released = false;

  constructor(client: PoolClient) {
    this.#client = client;
    this.#onError = () => this.#lost.abort();
    client.on('error', this.#onError).on('end', this.#onError);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async prepare(timeoutMs: number): Promise<void> {
    if (timeouts.has(this.#client)) return;
    await this.#send({ text: SETUP }, timeoutMs);
    timeouts.set(this.#client, DEFAULT_TIMEOUT_MS);
  }

  async run(sql: string, params: readonly (string | null)[], timeoutMs?: number): Promise<Result> {
    if (timeoutMs !== undefined) await this.#limit(timeoutMs);
    // Extended always: several statements in one text are an error here and in process alike.
    const query: QueryConfig & { queryMode: 'extended' } = {
      text: sql,
      values: [...params],
      queryMode: 'extended',
    };
    const result = await this.#send(query, timeoutMs);
    return { rows: result.rows, affected: result.rowCount ?? 0 };
  }

  async script(sql: string, timeoutMs?: number): Promise<void> {
    await this.#send({ text: sql }, timeoutMs);
  }

  abort(): void {
    this.#lost.abort();
    this.release();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#client.off('error', this.#onError).off('end', this.#onError);
    const isUseless = this.#isSpoiled || this.#lost.signal.aborted;
    if (isUseless) this.#client.on('error', () => undefined); // a broken connection may complain twice
    this.#client.release(isUseless);
  }

  async #limit(timeoutMs: number): Promise<void> {
    if (timeouts.get(this.#client) === timeoutMs) return;
    timeouts.delete(this.#client);
    await this.#send({ text: `SET statement_timeout = ${Math.ceil(timeoutMs)}` }, timeoutMs);
    timeouts.set(this.#client, timeoutMs);
  }

  async #send(query: QueryConfig, timeoutMs?: number): Promise<{ rows: Row[]; rowCount: number | null }> {
    const sent = this.#client.query<Row>(query);
    try {
      if (timeoutMs === undefined) return await sent;
      return await withDeadline(sent, timeoutMs + GRACE_MS, () => {
        this.abort();
        return timedOut('statement', timeoutMs);
      });
    } catch (error) {
      if (breaksConnection(error)) {
        this.#isSpoiled = true;
        if (!isStandby(error)) this.#lost.abort();
      }
      throw wrapPostgresError(error, 'statement');
    }
  }
}

/** The statement was refused and did nothing; only the connection is to the wrong server. */
function isStandby(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '25006';
}
