import type { EngineInfo } from '../engine-info.ts';

/**
 * The ClickHouse port. A server over HTTP and the engine in process (chdb) stand behind it; both speak through
 * `@clickhouse/client`. clickhouse.contract.ts holds both to it.
 */

/**
 * A row by column name. DateTime64(3) columns take epoch milliseconds, ISO text or a Date, and come back as ISO text in
 * UTC; 64-bit integers take number or bigint; an absent value becomes the default of its column.
 */
export type Row = Readonly<Record<string, unknown>>;

export interface QueryOptions {
  /** Values of `{name:Type}` placeholders. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Rejects with MR_CLICKHOUSE_UNAVAILABLE after this time; 30,000 where absent. */
  readonly timeoutMs?: number;
  /** ClickHouse settings of this statement. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/**
 * Errors: MR_CLICKHOUSE_UNAVAILABLE (retryable: not reached, timed out, overloaded), MR_CLICKHOUSE_QUERY_FAILED
 * (context.clickhouseCode holds ClickHouse's number), MR_ENGINE_AUTH_FAILED and MR_ENGINE_TLS_FAILED.
 */
export interface ClickHouse {
  readonly kind: 'http' | 'in-process';
  readonly database: string;
  /** All rows of a select. 64-bit integers come as numbers; they must stay below 2^53. */
  query<T extends Row>(sql: string, options?: QueryOptions): Promise<T[]>;
  /** DDL and other statements without a result. */
  command(sql: string, options?: QueryOptions): Promise<void>;
  /** One insert; all rows are in the table when it resolves. An outcome after a rejection is unknown: repeat it. */
  insert(table: string, rows: readonly Row[], options?: QueryOptions): Promise<void>;
  ping(timeoutMs: number): Promise<void>;
  /** What answers, with its version. */
  info(timeoutMs: number): Promise<EngineInfo>;
  close(): Promise<void>;
}
