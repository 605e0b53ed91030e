import { MillraceError } from '../../errors.ts';
import type { Scheduler } from '../../scheduler.ts';

/** A wait that grows from 20 ms to `maxMs`, half of it random. */
export interface Backoff {
  /** Waits; returns early when the signal aborts. */
  wait(signal?: AbortSignal): Promise<void>;
  reset(): void;
}

const FIRST_MS = 20;

export function createBackoff(maxMs: number, scheduler: Scheduler): Backoff {
  let attempt = 0;
  return {
    async wait(signal) {
      const capMs = Math.min(maxMs, FIRST_MS * 2 ** Math.min(attempt++, 16));
      await scheduler.sleep(capMs / 2 + (scheduler.random() * capMs) / 2, signal);
    },
    reset() {
      attempt = 0;
    },
  };
}

/** What one attempt came to: a value, or the reason why another one may succeed. */
export type Attempt<T> = { readonly done: T } | { readonly again: MillraceError };

/** What a lost connection rejects with; a TLS handshake that was cut off may pass as well. */
const LOST = new Set<string>(['MR_KAFKA_UNAVAILABLE', 'MR_ENGINE_TLS_FAILED']);

/**
 * Repeats an attempt that answers `again`, or whose connection is lost, until the deadline; then rejects with the last
 * reason. Any other error ends it at once.
 */
export async function untilDone<T>(
  attempt: () => Promise<Attempt<T>>,
  limits: {
    readonly scheduler: Scheduler;
    readonly deadlineMs: number;
    readonly maxBackoffMs?: number;
    readonly signal?: AbortSignal;
  },
): Promise<T> {
  const { scheduler } = limits;
  const startedMs = scheduler.elapsedMs();
  const backoff = createBackoff(limits.maxBackoffMs ?? 500, scheduler);
  for (;;) {
    const result = await attempt().catch((error: unknown): Attempt<T> => {
      if (error instanceof MillraceError && LOST.has(error.code) && error.retryable) return { again: error };
      throw error;
    });
    if ('done' in result) return result.done;
    if (scheduler.elapsedMs() - startedMs >= limits.deadlineMs || limits.signal?.aborted === true)
      throw result.again;
    await backoff.wait(limits.signal);
  }
}
