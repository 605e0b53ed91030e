import type { ErrorCode } from '../../platform/errors.ts';

/** What a step says of a record; one place (task.ts) carries it out. */
export type StepResult =
  | { readonly kind: 'ok' }
  /** Nothing to do with it, on purpose. */
  | { readonly kind: 'drop' }
  /** The window is closed: goes to `<topic>.late`. What else was done with the record stands. */
  | { readonly kind: 'late'; readonly windowStartMs: number; readonly windowEndMs: number }
  /** Cannot be processed: goes alone to `<topic>.dlq`. The step must not have changed state. */
  | { readonly kind: 'dead-letter'; readonly code: ErrorCode; readonly reason: string };

export const OK: StepResult = { kind: 'ok' };
export const DROP: StepResult = { kind: 'drop' };

/** Why a window result was written. */
export type EmitReason = 'update' | 'watermark' | 'idle';
