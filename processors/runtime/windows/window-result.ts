import type { EmitReason } from '../step-result.ts';

/** What a window says: always the absolute value so far, never a difference. */
export interface WindowResult<R> {
  readonly key: string;
  readonly windowStartMs: number;
  /**
   * Excluded for tumbling, daily and hopping windows. For the others the time of the last event, which is included: a
   * session, the events of a count window, and for sliding windows the event that the result belongs to.
   */
  readonly windowEndMs: number;
  readonly value: R;
  readonly reason: EmitReason;
  /** Of the result as a record: the last moment of its window; of a retraction, that of the window that replaces it. */
  readonly eventTimeMs: number;
  /**
   * Of count windows: the number of the window for its key, from 0. Bounds do not tell them apart where events have
   * equal times. Starts again once the key was idle for `idleMs`.
   */
  readonly ordinal?: number;
}
