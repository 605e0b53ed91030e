import { connectionFault } from '../connection-fault.ts';
import { MillraceError, errorText, type ErrorCode } from '../errors.ts';
import type { ClickHouse } from './port.ts';

/** Error numbers after which the same statement may succeed: timeouts, overload, a replica or a disk that is away. */
const TEMPORARY = new Set([
  74, // CANNOT_READ_FROM_FILE_DESCRIPTOR
  75, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
  159, // TIMEOUT_EXCEEDED
  198, // DNS_ERROR
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  225, // NO_ZOOKEEPER
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED
  745, // SERVER_OVERLOADED
  999, // KEEPER_EXCEPTION
]);
/** UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED */
const WRONG_LOGIN = new Set([192, 193, 194, 516]);
/** How the name of an operation that carries rows begins. */
export const INSERT = 'insert ';
const TOO_MANY_PARTS = 252;
const LONGEST_MESSAGE = 300;

/** The error of a call that took too long. */
export function timedOut(operation: string, timeoutMs: number): MillraceError {
  return new MillraceError('MR_CLICKHOUSE_UNAVAILABLE', 'ClickHouse did not answer in time', {
    context: { operation, timeoutMs },
  });
}

/** The error of a call after close(): repeating it is of no use. */
export function closed(): MillraceError {
  return new MillraceError('MR_CLICKHOUSE_UNAVAILABLE', 'the connection to ClickHouse is closed', {
    retryable: false,
  });
}

/**
 * Maps what the client or the engine throws. Both have a `ClickHouseError` class of their own, so it is known by its
 * shape: a code of digits. Over HTTP, what carries no code never was an answer of ClickHouse; in process, it is a refusal
 * of the binding (a parameter it cannot write). A TypeError or RangeError is a bug and stays as it is.
 */
export function wrapClickHouseError(error: unknown, operation: string, kind: ClickHouse['kind']): unknown {
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const code = clickHouseCode(error);
  const message = firstLine(error);
  const isInsert = operation.startsWith(INSERT);
  if (code === undefined && kind === 'http') return unreached(error, operation, message);
  return new MillraceError(
    codeOf(code, message),
    `ClickHouse: ${isInsert ? withoutQuotes(message) : message}`,
    { context: { operation, clickhouseCode: code }, ...(isInsert ? {} : { cause: error }) },
  );
}

function codeOf(code: number | undefined, message: string): ErrorCode {
  if (code === undefined) return 'MR_CLICKHOUSE_QUERY_FAILED';
  if (WRONG_LOGIN.has(code)) return 'MR_ENGINE_AUTH_FAILED';
  return isTemporary(code, message) ? 'MR_CLICKHOUSE_UNAVAILABLE' : 'MR_CLICKHOUSE_QUERY_FAILED';
}

function unreached(error: unknown, operation: string, message: string): MillraceError {
  const fault = connectionFault(error);
  return new MillraceError(
    fault?.kind === 'tls' ? 'MR_ENGINE_TLS_FAILED' : 'MR_CLICKHOUSE_UNAVAILABLE',
    `ClickHouse cannot be reached: ${fault?.text ?? message}`,
    { context: { operation, engine: 'ClickHouse' }, cause: error },
  );
}

function isTemporary(code: number, message: string): boolean {
  // The same number also says that one insert spans too many partitions, which no repetition heals.
  if (code === TOO_MANY_PARTS) return !message.includes('single INSERT block');
  return TEMPORARY.has(code);
}

function clickHouseCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^\d+$/.test(error.code) ? Number(error.code) : undefined;
}

/** The refusal of an insert quotes the rows: personal data stays out of messages, causes and logs. */
function withoutQuotes(message: string): string {
  return message.replace(/'.*$/s, "'…'");
}

/** Later lines of a parse error describe the row. */
function firstLine(error: unknown): string {
  const [line = ''] = errorText(error).trim().split('\n', 1);
  return line.slice(0, LONGEST_MESSAGE) || 'no answer';
}
