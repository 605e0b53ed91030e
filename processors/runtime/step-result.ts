import type { ErrorCode } from '../../platform/errors.ts';

/** What a step says of a record; one place (task.ts) carries it out. */
export type StepResult =
  | { readonly kind: 'ok' }
  /** Nothing to do with it, on purpose. */
  | { readonly kind: 'drop' }
  /**
   * It came after its window had closed: goes to `<topic>.late`. What else was done with the record stands; where
   * `corrected`, the result of the window was corrected too.
   */
  | {
      readonly kind: 'late';
      readonly windowStartMs: number;
      readonly windowEndMs: number;
      readonly corrected?: boolean;
      /** Of the part that says so; that of the task where absent. */
      readonly watermarkMs?: number;
    }
  /** Cannot be processed: goes alone to `<topic>.dlq`. The step must not have changed state. */
  | { readonly kind: 'dead-letter'; readonly code: ErrorCode; readonly reason: string }
  /** Belongs elsewhere: goes to another topic as it is, with its key. The step must not have changed state. */
  | { readonly kind: 'redirect'; readonly topic: string };

export const OK: StepResult = { kind: 'ok' };
export const DROP: StepResult = { kind: 'drop' };

/**
 * Why a result was written: it changed (`update`), a set time since its last change passed (`early`), the watermark or
 * the idle clock closed it, a late event corrected it, or it no longer holds (`retraction`).
 */
export type EmitReason = 'update' | 'early' | 'watermark' | 'idle' | 'correction' | 'retraction';
