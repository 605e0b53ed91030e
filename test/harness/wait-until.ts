import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** 10 s by default. */
  readonly timeoutMs?: number;
  /** 20 ms by default. */
  readonly intervalMs?: number;
  /** What is waited for, for the message. */
  readonly what?: string;
}

/**
 * Waits until the condition gives a value that is neither false nor undefined, and returns it.
 * @throws Error with what was waited for when the time is over; an error of the condition ends the wait at once
 */
export async function waitUntil<T>(
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  options: WaitOptions = {},
): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 20, what = 'the condition' } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new Error(`${what} did not hold within ${timeoutMs} ms`);
    await sleep(intervalMs);
  }
}
