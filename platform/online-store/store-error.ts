import { MillraceError, errorText } from '../errors.ts';

/** Redis answers that say "later": it loads its data, runs a script, is a replica, has no memory left. */
const TEMPORARY_REPLY = /^(LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|NOREPLICAS|MISCONF)\b/;
/** What ioredis says instead of sending a command. */
const NO_CONNECTION =
  /^(Stream isn't writeable|Cluster isn't ready|Connection is closed|Reached the max retries)/;
/**
 * What liblmdb and the system say where nothing can be written; a write that a full disk cuts short comes as an error of
 * input and output.
 */
const NOT_WRITABLE = /MAP_FULL|No space|ENOSPC|quota|File too large|Input\/output error/i;

/** The error of a call that took too long. */
export function storeTimedOut(operation: string, deadlineMs: number): MillraceError {
  return new MillraceError('MR_ONLINE_STORE_UNAVAILABLE', 'the online store did not answer in time', {
    context: { operation, deadlineMs },
  });
}

/** The error of a call after close(): repeating it is of no use. */
export function storeClosed(operation: string): MillraceError {
  return new MillraceError('MR_ONLINE_STORE_UNAVAILABLE', 'the online store is closed', {
    context: { operation },
    retryable: false,
  });
}

/** The error of a call while there is no connection. */
export function notConnected(operation: string, fault: string | undefined): MillraceError {
  const why = fault === undefined ? '' : `: ${fault}`;
  return new MillraceError('MR_ONLINE_STORE_UNAVAILABLE', `there is no connection to Redis${why}`, {
    context: { operation },
  });
}

/**
 * Maps what ioredis throws. Its errors carry the command with its values, so none becomes a cause.
 * @param fault why the connection was lost, where that is known
 */
export function wrapRedisError(error: unknown, operation: string, fault?: string): unknown {
  // Of several nodes asked, the last one speaks for all.
  if (error instanceof AggregateError) return wrapRedisError(error.errors.at(-1), operation, fault);
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const message = errorText(error);
  if (NO_CONNECTION.test(message)) return notConnected(operation, fault);
  const refused = error instanceof Error && error.name === 'ReplyError' && !TEMPORARY_REPLY.test(message);
  return new MillraceError(
    refused ? 'MR_ONLINE_STORE_FAILED' : 'MR_ONLINE_STORE_UNAVAILABLE',
    `Redis: ${message}`,
    { context: { operation } },
  );
}

/** Maps what lmdb throws: that the disk takes nothing heals when there is room, anything else does not. */
export function wrapLmdbError(error: unknown, operation: string, path: string): unknown {
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const reason = errorText(error);
  const options = { context: { operation, path }, cause: error };
  return NOT_WRITABLE.test(reason)
    ? new MillraceError(
        'MR_ONLINE_STORE_UNAVAILABLE',
        `the disk takes no writes of the online store in ${path} (${reason}): make room`,
        options,
      )
    : new MillraceError('MR_ONLINE_STORE_FAILED', `LMDB in ${path}: ${reason}`, options);
}
