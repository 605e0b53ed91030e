import { MillraceError } from './errors.ts';
import { systemScheduler, type Scheduler } from './scheduler.ts';

export interface RetryOptions {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** Gives up after this time; for ever where absent. */
  readonly giveUpAfterMs?: number;
  readonly signal?: AbortSignal;
  /** The system's where absent. */
  readonly scheduler?: Scheduler;
  /** Told of each failure before the wait. */
  onRetry?(error: MillraceError, attempt: number, delayMs: number): void;
}

/**
 * Repeats a call that fails with a retryable MillraceError, with exponential backoff and equal jitter (AWS
 * Architecture Blog, "Exponential Backoff And Jitter"). Any other error, an abort and the time limit end it with the last error.
 */
export async function retry<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { scheduler = systemScheduler } = options;
  const startedMs = scheduler.elapsedMs();
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retryable || options.signal?.aborted === true)
        throw error;
      const capMs = Math.min(options.maxDelayMs, options.initialDelayMs * 2 ** Math.min(attempt - 1, 20));
      const delayMs = capMs / 2 + (scheduler.random() * capMs) / 2;
      const spentMs = scheduler.elapsedMs() - startedMs;
      if (options.giveUpAfterMs !== undefined && spentMs + delayMs > options.giveUpAfterMs) throw error;
      options.onRetry?.(error, attempt, delayMs);
      await scheduler.sleep(delayMs, options.signal);
      if (isAborted(options.signal)) throw error;
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}
