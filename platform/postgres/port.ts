/**
 * The PostgreSQL port. A server through `pg` and PostgreSQL in process (PGlite) stand behind it;
 * postgres.contract.ts holds both to it.
 */
import type { EngineInfo } from '../engine-info.ts';
import type { Json } from './parameter.ts';

/**
 * A value of a `$1` placeholder. Arrays are arrays of PostgreSQL (`= ANY($1)`), plain objects are JSON, a JSON array
 * needs {@link json}; bytes go into bytea; a Date means its instant, whatever the time zone of this process.
 */
export type Parameter =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | Json
  | { readonly [key: string]: unknown }
  | readonly Parameter[]
  | null
  | undefined;

/**
 * A row by column name: int8, oid8 and xid8 as bigint; int2, int4, oid and floats as number; numeric, uuid, date, time,
 * interval and every other type as PostgreSQL writes it; timestamps as Date (milliseconds; one without a zone is UTC;
 * `infinity` as the number); bytea as Buffer; json and jsonb parsed; arrays of all of these as arrays.
 */
export type Row = Readonly<Record<string, unknown>>;

export interface CallOptions {
  /** The server cancels the statement after this time; 30,000 where absent. */
  readonly timeoutMs?: number;
}

/** Statements in the transaction that `transaction` runs; they fail once it has ended. */
export interface Transaction {
  query<T extends Row>(sql: string, params?: readonly Parameter[]): Promise<T[]>;
  execute(sql: string, params?: readonly Parameter[]): Promise<number>;
  /** Several statements in one text, without parameters or results, as in a migration. */
  script(sql: string): Promise<void>;
  /** Sent when the transaction commits, and only then. */
  notify(channel: string, payload?: string): Promise<void>;
}

export interface TransactionOptions {
  /** `read committed` where absent, as in PostgreSQL. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** For the whole of it, retries included; 30,000 where absent. Then it is rolled back. */
  readonly timeoutMs?: number;
  /** How often it is run again after a deadlock or a serialization failure; 5 where absent. */
  readonly retries?: number;
}

export interface Statements {
  /**
   * The rows of one statement, which is a transaction of its own. A connection that breaks under a statement which may
   * write (it does not begin with SELECT, SHOW, VALUES or TABLE) gives MR_POSTGRES_COMMIT_UNKNOWN.
   */
  query<T extends Row>(sql: string, params?: readonly Parameter[], options?: CallOptions): Promise<T[]>;
  /** As {@link query}; the number of rows that it changed. */
  execute(sql: string, params?: readonly Parameter[], options?: CallOptions): Promise<number>;
  /**
   * Runs `work` in a transaction and commits when it resolves; any throw rolls back. After a deadlock or a serialization
   * failure `work` runs again, so it must do nothing outside that cannot be repeated. A statement that failed undoes the
   * whole, also where `work` swallowed its error: the error is thrown in the end. Statements of the database itself are
   * refused inside `work`, since they would not belong to the transaction.
   * @throws MillraceError MR_POSTGRES_COMMIT_UNKNOWN where the connection broke during COMMIT: never repeated here
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  notify(channel: string, payload?: string): Promise<void>;
}

/**
 * The connection that holds a lock. With the connection the server gives the lock away, and statements of the session
 * fail from then on: work that goes through the session alone cannot overlap with the next holder's. `lost` fires as
 * soon as the loss is seen.
 */
export interface LockSession extends Statements {
  readonly lost: AbortSignal;
}

export interface Subscription {
  close(): Promise<void>;
}

export interface Listener {
  onNotification(payload: string): void;
  /** After a reconnection: what was sent in between is lost, so look for yourself. */
  onGap(): void;
}

/**
 * Errors: MR_POSTGRES_UNAVAILABLE (retryable), MR_POSTGRES_CONTENTION (retryable), MR_POSTGRES_CONFLICT
 * (context.constraint), MR_POSTGRES_QUERY_FAILED (context.sqlState), MR_POSTGRES_COMMIT_UNKNOWN, MR_ENGINE_AUTH_FAILED,
 * MR_ENGINE_TLS_FAILED. None carries parameters or rows.
 */
export interface Postgres extends Statements {
  readonly kind: 'server' | 'in-process';
  /**
   * Runs `work` while no other process runs work under the same key; waits for the lock at most `timeoutMs` (30,000
   * where absent), then MR_POSTGRES_CONTENTION. Takes a connection of the pool for as long as it lasts.
   */
  withLock<T>(key: string, work: (session: LockSession) => Promise<T>, options?: CallOptions): Promise<T>;
  /** As {@link withLock} without waiting: undefined where another holds the lock. */
  tryWithLock<T>(
    key: string,
    work: (session: LockSession) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined>;
  /** Notifications of a channel, on a connection of its own that reconnects for ever; they are hints, never a queue. */
  subscribe(channel: string, listener: Listener): Promise<Subscription>;
  /** @throws MillraceError MR_POSTGRES_UNAVAILABLE after the time given */
  info(timeoutMs: number): Promise<EngineInfo>;
  ping(timeoutMs: number): Promise<void>;
  /** Waits for the calls that run; later ones are refused. */
  close(): Promise<void>;
}
