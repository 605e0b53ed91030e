import { createHash } from 'node:crypto';
import { MillraceError } from '../../../platform/errors.ts';

/** Kafka takes a megabyte by default and some ten by configuration; beyond this a value is a mistake. */
const MAX_VALUE_BYTES = 8 * 1024 * 1024;

export interface StorePlace {
  readonly taskId: string;
  readonly store: string;
}

/** A key may be a pseudonym: errors tell its length and a few digits of its hash. */
export function keyTrace(key: string): { readonly keyLength: number; readonly keyHash: string } {
  return { keyLength: key.length, keyHash: createHash('sha256').update(key).digest('hex').slice(0, 8) };
}

/** @throws MillraceError MR_STATE_VALUE_TOO_LARGE */
export function checkValueSize({ taskId, store }: StorePlace, key: string, bytes: number): void {
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new MillraceError(
    'MR_STATE_VALUE_TOO_LARGE',
    `a value of store ${store} has ${bytes} bytes; the limit is ${MAX_VALUE_BYTES}`,
    { context: { task: taskId, store, bytes, limit: MAX_VALUE_BYTES, ...keyTrace(key) } },
  );
}

/** State of which a restore or a reset has replaced a part. */
export function replacingState(place: string): MillraceError {
  return new MillraceError(
    'MR_STATE_REPLACING',
    `the state of ${place} was being replaced, and that was cut off: run the same restore or reset again`,
    { context: { place } },
  );
}

/** What always helps when state is not what the program expects. */
const WAYS_BACK = 'deploy the version that wrote it, restore a savepoint, or reset the state';

/** State that the program that runs cannot take over. */
export function incompatibleState(
  { taskId, store }: StorePlace,
  { reason, ways }: { readonly reason: string; readonly ways?: string },
  details: { readonly context?: Readonly<Record<string, string | number>>; readonly cause?: unknown } = {},
): MillraceError {
  const wayOut = ways === undefined ? WAYS_BACK : `${ways}; or ${WAYS_BACK}`;
  return new MillraceError(
    'MR_STATE_INCOMPATIBLE',
    `store ${store} of task ${taskId}: ${reason}: ${wayOut}`,
    {
      context: { task: taskId, store, ...details.context },
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    },
  );
}
