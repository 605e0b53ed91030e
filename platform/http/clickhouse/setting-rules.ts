/** Which settings of a request reach the engine, and within which limits. */
import { StatementError } from '../../clickhouse/statement-error.ts';

export interface Limits {
  /** Longest run of a statement, whatever it asks for. */
  readonly maxExecutionMs: number;
  /** Most bytes of an answer, uncompressed. */
  readonly maxResultBytes: number;
  readonly maxResultRows: number;
  /** Most memory of one statement. */
  readonly maxMemoryBytes: number;
  /** Longest text of a statement, without the data of an insert. */
  readonly maxQueryBytes: number;
  /** Most data of one insert, decompressed. */
  readonly maxInsertBytes: number;
  /** Inserts in line formats are cut into parts of about this size. */
  readonly insertPartBytes: number;
  /** Most data of an insert that cannot be cut. */
  readonly maxWholeInsertBytes: number;
  /** Most query parameters. */
  readonly maxParams: number;
}

const MIB = 1024 ** 2;

export const DEFAULT_LIMITS: Limits = {
  maxExecutionMs: 300_000,
  maxResultBytes: 16 * 1024 * MIB,
  maxResultRows: 1_000_000_000,
  maxMemoryBytes: 2 * 1024 * MIB,
  maxQueryBytes: 4 * MIB,
  maxInsertBytes: 64 * 1024 * MIB,
  insertPartBytes: 16 * MIB,
  maxWholeInsertBytes: 256 * MIB,
  maxParams: 1000,
};

/** Parameters of the URL that are no settings. */
const RESERVED = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'user',
  'password',
  'quota_key',
  'session_id',
  'session_timeout',
  'session_check',
  'stacktrace',
  'role',
  'compress',
  'decompress',
  'buffer_size',
  'wait_end_of_query',
  'enable_http_compression',
  'client_protocol_version',
  'close_session',
  'log_comment',
  'readonly',
  'add_http_cors_header',
  'async_insert',
  'wait_for_async_insert',
  'send_progress_in_http_headers',
  'cancel_http_readonly_queries_on_client_close',
]);
/** Settings of the HTTP layer of a server, which the engine in process does not have or need. */
const HTTP_SETTING = /^http_|^cancel_http_|^send_progress_in_http/;
/** Settings that name files or places of the server. */
const PLACE_SETTING = /(^|_)(schema|path|paths|file|files|url|directory|disk|storage_policy|user_files)(_|$)/;
/** What a reader may change: how an answer looks, and limits (downwards). */
const READER_SETTING =
  /^(output_format_\w+|format_csv_delimiter|date_time_output_format|session_timezone|extremes|max_threads|max_block_size|max_rows_to_read|max_bytes_to_read|read_overflow_mode|result_overflow_mode|max_rows_to_group_by|join_use_nulls|final|max_execution_time|timeout_overflow_mode|max_result_rows|max_result_bytes|max_memory_usage|max_query_size|prefer_column_name_to_alias|group_by_use_nulls|use_query_cache|query_plan_optimize_lazy_materialization|allow_experimental_\w+|connect_timeout|receive_timeout|send_timeout|max_ast_elements|max_expanded_ast_elements)$/;

export interface SettingsOfRequest {
  readonly settings: Readonly<Record<string, string>>;
  /** The limit that this process itself holds. */
  readonly maxExecutionMs: number;
  readonly maxResultRows: number;
  readonly maxResultBytes: number;
  /** True where the request itself asks for read-only. */
  readonly isReadOnly: boolean;
}

/**
 * Takes the lower of what the request asks for and the limit, drops what belongs to HTTP, refuses what names places.
 * @throws StatementError 164, 452
 */
export function settingsOf(query: URLSearchParams, isReader: boolean, limits: Limits): SettingsOfRequest {
  const settings: Record<string, string> = {};
  for (const [name, value] of query) {
    if (RESERVED.has(name) || name.startsWith('param_') || HTTP_SETTING.test(name)) continue;
    if (isReader && !READER_SETTING.test(name)) throw readOnly(name);
    if (PLACE_SETTING.test(name))
      throw new StatementError(452, 'SETTING_CONSTRAINT_VIOLATION', `Setting ${name} should not be changed`);
    settings[name] = value;
  }
  const readonly = query.get('readonly');
  if (isReader && readonly === '0') throw readOnly('readonly');
  const seconds = lower(settings['max_execution_time'], limits.maxExecutionMs / 1000);
  const rows = lower(settings['max_result_rows'], limits.maxResultRows);
  const bytes = lower(settings['max_result_bytes'], limits.maxResultBytes);
  // Rows are counted here as well: the engine counts blocks, and a break instead of an error is its own choice.
  settings['max_execution_time'] = String(seconds);
  settings['max_memory_usage'] = String(lower(settings['max_memory_usage'], limits.maxMemoryBytes));
  return {
    settings,
    maxExecutionMs: seconds * 1000,
    maxResultRows: settings['result_overflow_mode'] === 'break' ? limits.maxResultRows : rows,
    maxResultBytes: bytes,
    isReadOnly: readonly !== null && readonly !== '0',
  };
}

function readOnly(name: string): StatementError {
  return new StatementError(164, 'READONLY', `Cannot modify '${name}' setting in readonly mode`);
}

/** 0 means no limit. */
function lower(text: string | undefined, limit: number): number {
  const asked = Number(text);
  return text !== undefined && Number.isFinite(asked) && asked > 0 ? Math.min(asked, limit) : limit;
}
