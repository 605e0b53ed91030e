import { MillraceError, errorText } from '../errors.ts';
import type { VersionedWrite } from './port.ts';

/** Below LMDB's limit of 1,978 bytes, whatever the engine, so that a key that works in one works in the other. */
const LONGEST_KEY_BYTES = 1900;
/** Redis answers that say "later": it loads its data, runs a script, is a replica, has no memory left. */
const TEMPORARY_REPLY = /^(LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|NOREPLICAS|MISCONF)\b/;

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

/** Maps what ioredis throws. Its errors carry the command with its values, so none becomes a cause. */
export function wrapRedisError(error: unknown, operation: string): unknown {
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const message = errorText(error);
  const refused = error instanceof Error && error.name === 'ReplyError' && !TEMPORARY_REPLY.test(message);
  return new MillraceError(
    refused ? 'MR_ONLINE_STORE_FAILED' : 'MR_ONLINE_STORE_UNAVAILABLE',
    `Redis: ${message}`,
    { context: { operation } },
  );
}

/** Maps what lmdb throws: a full disk or map heals when there is space, anything else does not. */
export function wrapLmdbError(error: unknown, operation: string): unknown {
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const message = errorText(error);
  const full = /MAP_FULL|No space|ENOSPC|disk quota/i.test(message);
  return new MillraceError(
    full ? 'MR_ONLINE_STORE_UNAVAILABLE' : 'MR_ONLINE_STORE_FAILED',
    `LMDB: ${message}`,
    {
      context: { operation },
      cause: error,
    },
  );
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkWrite({ key, version, ttlMs }: VersionedWrite): void {
  checkKey(key);
  checkTtl(ttlMs);
  if (!Number.isSafeInteger(version) || version < 0)
    throw refused('a version must be a safe integer', { version });
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkTtl(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs <= 0)
    throw refused('a time to live must be a whole number of milliseconds above 0', { ttlMs });
}

/** @throws MillraceError MR_ONLINE_STORE_FAILED */
export function checkKey(key: string): void {
  // A UTF-16 unit takes at most three bytes: most keys need no count.
  if (key === '' || (key.length * 3 > LONGEST_KEY_BYTES && Buffer.byteLength(key) > LONGEST_KEY_BYTES))
    throw refused('a key must have 1 to 1,900 bytes', { length: key.length });
}

function refused(message: string, context: Readonly<Record<string, number>>): MillraceError {
  return new MillraceError('MR_ONLINE_STORE_FAILED', message, { context });
}
