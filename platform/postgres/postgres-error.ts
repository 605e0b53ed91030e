import { connectionFault } from '../connection-fault.ts';
import { MillraceError, errorText, type ErrorCode } from '../errors.ts';

/** What stands in an ErrorResponse of PostgreSQL and is free of rows and parameters. */
interface Refusal {
  readonly sqlState: string;
  readonly severity: string;
  readonly message: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;
}

const LONGEST_MESSAGE = 300;

/** SQLSTATEs (PostgreSQL manual, appendix "Error Codes") after which the same call may succeed. */
const UNAVAILABLE = /^(08...|53...|57014|57P0.|25006|25P0[34]|58030)$/;
const CONTENTION = /^(40001|40P01|55P03)$/;
const CONFLICT = /^(23505|23P01)$/;
const AUTH = /^28...$/;
const DATA_EXCEPTION = /^22/;

/** Both clients have an error class of their own, so a refusal is known by its shape. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  const field = (name: string): string | undefined => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    sqlState: field('code') ?? '',
    severity: field('severity') ?? '',
    message: error.message,
    constraint: field('constraint'),
    table: field('table'),
  };
}

/** True where a deadlock or a serialization failure ended a transaction: it may be run again. */
export function isRepeatable(error: unknown): boolean {
  if (!(error instanceof MillraceError) || error.code !== 'MR_POSTGRES_CONTENTION') return false;
  return error.context['sqlState'] === '40001' || error.context['sqlState'] === '40P01';
}

/** True where the connection is of no use any more: gone, or to a server that is going or takes no writes. */
export function breaksConnection(error: unknown): boolean {
  const refusal = refusalOf(error);
  if (refusal === undefined) return !isBug(error);
  return refusal.severity === 'FATAL' || refusal.severity === 'PANIC' || refusal.sqlState === '25006';
}

function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}

/**
 * Maps what a client throws. DETAIL and CONTEXT quote rows and parameters, and the clients hang statement and parameters
 * on the error, so the error itself is not kept as a cause. A TypeError, RangeError or SyntaxError is a bug and stays.
 */
export function wrapPostgresError(error: unknown, operation: string): unknown {
  if (error instanceof MillraceError || isBug(error)) return error;
  const refusal = refusalOf(error);
  return refusal === undefined ? connectionError(error, operation) : refused(refusal, operation);
}

function refused(refusal: Refusal, operation: string): MillraceError {
  const { sqlState, constraint, table } = refusal;
  return new MillraceError(codeOf(refusal), `PostgreSQL: ${publicMessage(refusal)}`, {
    context: {
      operation,
      sqlState,
      ...(constraint === undefined ? {} : { constraint }),
      ...(table === undefined ? {} : { table }),
    },
  });
}

function codeOf({ sqlState, message }: Refusal): ErrorCode {
  // The same number says that the server takes this user over TLS only.
  if (sqlState === '28000' && message.includes('no encryption')) return 'MR_ENGINE_TLS_FAILED';
  if (AUTH.test(sqlState)) return 'MR_ENGINE_AUTH_FAILED';
  if (CONFLICT.test(sqlState)) return 'MR_POSTGRES_CONFLICT';
  if (CONTENTION.test(sqlState)) return 'MR_POSTGRES_CONTENTION';
  return UNAVAILABLE.test(sqlState) ? 'MR_POSTGRES_UNAVAILABLE' : 'MR_POSTGRES_QUERY_FAILED';
}

/** A data exception quotes the value that was refused. */
function publicMessage({ sqlState, message }: Refusal): string {
  const [line = ''] = message.split('\n', 1);
  const text = DATA_EXCEPTION.test(sqlState) ? line.replace(/(: )?".*"/s, '$1"…"') : line;
  return text.slice(0, LONGEST_MESSAGE);
}

/** The client says these in words alone. */
const NO_TLS = /does not support SSL|establishing an SSL connection/;
const NO_PASSWORD = /^SASL: /;

function connectionError(error: unknown, operation: string): MillraceError {
  const message = errorText(error);
  const fault = connectionFault(error);
  const options = { context: { operation }, cause: error };
  if (fault?.kind === 'tls' || NO_TLS.test(message)) {
    return new MillraceError('MR_ENGINE_TLS_FAILED', `PostgreSQL: ${fault?.text ?? message}`, options);
  }
  if (NO_PASSWORD.test(message)) {
    return new MillraceError('MR_ENGINE_AUTH_FAILED', `PostgreSQL: ${message}`, options);
  }
  return new MillraceError(
    'MR_POSTGRES_UNAVAILABLE',
    `PostgreSQL cannot be reached: ${fault?.text ?? message}`,
    options,
  );
}

/** The error of a call that took too long. */
export function timedOut(operation: string, timeoutMs: number): MillraceError {
  return new MillraceError('MR_POSTGRES_UNAVAILABLE', 'PostgreSQL did not answer in time', {
    context: { operation, timeoutMs },
  });
}

/** The error of a call after close(): repeating it is of no use. */
export function closed(operation: string): MillraceError {
  return new MillraceError('MR_POSTGRES_UNAVAILABLE', 'the connection to PostgreSQL is closed', {
    context: { operation },
    retryable: false,
  });
}

/** The error of a commit, or of a statement that commits itself, whose answer never came. */
export function commitUnknown(operation: string, cause: unknown): MillraceError {
  return new MillraceError(
    'MR_POSTGRES_COMMIT_UNKNOWN',
    'the connection to PostgreSQL broke during a commit: it may or may not have happened',
    { context: { operation }, cause },
  );
}
