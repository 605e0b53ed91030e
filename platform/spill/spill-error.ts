import { constants } from 'node:os';
import { MillraceError, errorText } from '../errors.ts';

const { ENOSPC, EDQUOT, EFBIG } = constants.errno;
/** That there is no room, from Node.js by name and from liblmdb by number; 30,792 is its MDB_MAP_FULL. */
const NO_ROOM: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', ENOSPC, EDQUOT, EFBIG, -30_792];

export interface SpillFault {
  readonly operation: string;
  readonly path: string;
}

/** The error of a write that would go beyond the bound: the same write fails until something is deleted. */
export function boundReached(maxBytes: number, context: SpillFault): MillraceError {
  return new MillraceError(
    'MR_SPILL_FULL',
    `the state spilled to ${context.path} does not fit into its bound of ${maxBytes} bytes: raise the bound, or MR_STATE_MEMORY_MB`,
    { context: { ...context, maxBytes }, retryable: false },
  );
}

/** The error of what cannot be done, whatever the state of the disk. */
export function spillRefused(
  message: string,
  context: Readonly<Record<string, string | number>>,
): MillraceError {
  return new MillraceError('MR_SPILL_FAILED', message, { context });
}

/** Maps what lmdb and the file system throw: that the disk has no room may pass, anything else does not. */
export function wrapSpillError(error: unknown, { operation, path }: SpillFault): unknown {
  if (error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const reason = errorText(error);
  const options = { context: { operation, path }, cause: error };
  return error instanceof Error && 'code' in error && NO_ROOM.includes(error.code)
    ? new MillraceError(
        'MR_SPILL_FULL',
        `the disk has no room for the state spilled to ${path} (${reason}): make room, or raise MR_STATE_MEMORY_MB`,
        options,
      )
    : new MillraceError('MR_SPILL_FAILED', `the state spilled to ${path}: ${reason}`, options);
}
