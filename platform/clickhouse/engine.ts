import type { ClickHouseClient } from '@clickhouse/client';

export type Settings = Readonly<Record<string, string | number>>;

export const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * What holds for every statement, on a server and in process: times are UTC, go in as ISO text or epoch milliseconds
 * and come out as ISO text; 64-bit integers come out as numbers; an insert is acknowledged when it is in the table
 * (asynchronous inserts are the default of newer servers, and we batch ourselves).
 */
export const BASE_SETTINGS: Settings = {
  async_insert: 0,
  date_time_input_format: 'best_effort',
  date_time_output_format: 'iso',
  output_format_json_quote_64bit_integers: 0,
  session_timezone: 'UTC',
};

export interface Call {
  /** Reads, writes and health probes do not wait for each other. */
  readonly lane: 'read' | 'write' | 'probe';
  readonly operation: string;
  readonly timeoutMs: number;
  readonly settings: Settings;
}

/** Takes the settings of the statement, and a signal where the engine can cancel. */
export type Work<T> = (client: ClickHouseClient, settings: Settings, signal?: AbortSignal) => Promise<T>;

/** Runs work on a client of a server or of the engine in process, within the time of the call. */
export interface Engine {
  readonly kind: 'http' | 'in-process';
  /** The product, as {@link EngineInfo} names it. */
  readonly product: string;
  /** host:port, or the folder of the engine in process. */
  readonly where: string;
  /** Rejects with what {@link wrapClickHouseError} makes of the failure. */
  run<T>(call: Call, work: Work<T>): Promise<T>;
  close(): Promise<void>;
}
