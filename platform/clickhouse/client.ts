import type { EngineInfo } from '../engine-info.ts';
import { INSERT } from './clickhouse-error.ts';
import { DEFAULT_TIMEOUT_MS, type Call, type Engine } from './engine.ts';
import { insertStatement } from './insert-statement.ts';
import type { ClickHouse, QueryOptions, Row } from './port.ts';

/** The ClickHouse port over an engine. */
export class EngineClickHouse implements ClickHouse {
  readonly #engine: Engine;
  readonly database: string;

  constructor(engine: Engine, database: string) {
    this.#engine = engine;
    this.database = database;
  }

  get kind(): ClickHouse['kind'] {
    return this.#engine.kind;
  }

  query<T extends Row>(sql: string, options: QueryOptions = {}): Promise<T[]> {
    return this.#engine.run(callOf('read', 'query', options), async (client, settings, signal) => {
      const result = await client.query({
        query: sql,
        format: 'JSONEachRow',
        query_params: paramsOf(options),
        clickhouse_settings: settings,
        ...(signal === undefined ? {} : { abort_signal: signal }),
      });
      return result.json<T>();
    });
  }

  command(sql: string, options: QueryOptions = {}): Promise<void> {
    return this.#command(callOf('write', 'command', options), sql, paramsOf(options));
  }

  async insert(table: string, rows: readonly Row[], options: QueryOptions = {}): Promise<void> {
    if (rows.length === 0) return;
    const { settings, ...rest } = options;
    await this.#command(callOf('write', `${INSERT}${table}`, rest), insertStatement(table, rows, settings));
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#command({ lane: 'probe', operation: 'ping', timeoutMs, settings: {} }, 'SELECT 1');
  }

  async info(timeoutMs: number): Promise<EngineInfo> {
    const version = await this.#engine.run(
      { lane: 'probe', operation: 'version', timeoutMs, settings: {} },
      async (client, settings, signal) => {
        const result = await client.query({
          query: 'SELECT version() AS version',
          format: 'JSONEachRow',
          clickhouse_settings: settings,
          ...(signal === undefined ? {} : { abort_signal: signal }),
        });
        const [row] = await result.json<{ version: string }>();
        return row?.version ?? 'unknown';
      },
    );
    return { engine: this.#engine.product, version, where: this.#engine.where };
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  #command(call: Call, sql: string, params: Record<string, unknown> = {}): Promise<void> {
    return this.#engine.run(call, async (client, settings, signal) => {
      await client.command({
        query: sql,
        query_params: params,
        clickhouse_settings: settings,
        ...(signal === undefined ? {} : { abort_signal: signal }),
      });
    });
  }
}

function callOf(lane: Call['lane'], operation: string, options: QueryOptions): Call {
  return {
    lane,
    operation,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    settings: options.settings ?? {},
  };
}

/** Dates as seconds with milliseconds: the two engines' own texts for them differ, and chdb's drops the milliseconds. */
function paramsOf(options: QueryOptions): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options.params ?? {}))
    params[name] = value instanceof Date ? (value.getTime() / 1000).toFixed(3) : value;
  return params;
}
