import { connectionFault } from '../connection-fault.ts';
import { MillraceError, errorText, type ErrorCode } from '../errors.ts';

/** Why a connection to Redis failed, without credentials. */
export interface RedisFault {
  readonly text: string;
  /** True for what stays as it is until somebody changes a setting, a certificate or a name. */
  readonly isFinal: boolean;
  toError(operation: string, where: string): MillraceError;
}

/** Answers to AUTH and HELLO, in the words of Redis 6 to 8 and of Valkey. */
const REFUSED = /^(WRONGPASS|NOAUTH)\b|invalid (username-password|password)/i;
/** What ioredis says of its own state when the reason was told before. */
const STATE = /^(Connection is closed|Failed to refresh slots cache|None of startup nodes)/;

/**
 * The fault that an error of ioredis stands for; undefined where it only says that there is no connection.
 * @param connection whether this side expects TLS, and whether nothing was ever said on it
 */
export function faultOf(
  error: unknown,
  { isTls, isNew }: { readonly isTls: boolean; readonly isNew: boolean },
): RedisFault | undefined {
  const inner = error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : error;
  const message = errorText(inner);
  if (REFUSED.test(message))
    return fault('MR_ENGINE_AUTH_FAILED', 'Redis refused the user or the password', true);
  const known = connectionFault(inner);
  if (known?.kind === 'tls') return fault('MR_ENGINE_TLS_FAILED', known.text, true);
  if (known?.kind === 'closed' && !isTls && isNew) return closedAtOnce();
  // Redis without TLS takes the greeting of TLS as the begin of a command and waits for the rest.
  const isSilent = isTls && isNew && (known?.kind === 'timeout' || known?.kind === 'closed');
  const hint = isSilent ? '; perhaps it does not expect TLS' : '';
  if (known !== undefined)
    return fault('MR_ONLINE_STORE_UNAVAILABLE', `${known.text}${hint}`, isUnknownName(inner));
  if (message.startsWith('Socket timeout'))
    return fault('MR_ONLINE_STORE_UNAVAILABLE', 'the server does not answer', false);
  return STATE.test(message) ? undefined : fault('MR_ONLINE_STORE_UNAVAILABLE', message, false);
}

/** The fault of a connection without TLS that the other side closed before it said anything. */
export function closedAtOnce(): RedisFault {
  const text = 'the other side closed the connection at once; perhaps it expects TLS (rediss:)';
  return fault('MR_ONLINE_STORE_UNAVAILABLE', text, false);
}

/** Name servers say so; that they could not be asked (EAI_AGAIN) may pass. */
function isUnknownName(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOTFOUND';
}

function fault(code: ErrorCode, text: string, isFinal: boolean): RedisFault {
  return {
    text,
    isFinal,
    // The errors of ioredis carry the command with its arguments, so none becomes a cause.
    toError: (operation, where) =>
      new MillraceError(code, `Redis at ${where}: ${text}`, { context: { operation, where } }),
  };
}
