import { describe, expect, it } from 'vitest';
import { MillraceError } from './errors.ts';
import { retry } from './retry.ts';

const away = () => new MillraceError('MR_KAFKA_UNAVAILABLE', 'away');
const quick = { initialDelayMs: 1, maxDelayMs: 4 };

function failingTimes(times: number, error: () => Error = away) {
  let calls = 0;
  const call = async () => {
    if (++calls <= times) throw error();
    return calls;
  };
  return { call, calls: () => calls };
}

describe('retry', () => {
  it('repeats a retryable failure until it succeeds, with growing waits up to the bound', async () => {
    const seen: { attempt: number; delayMs: number }[] = [];
    const { call } = failingTimes(5);
    const result = await retry(call, {
      ...quick,
      onRetry: (error, attempt, delayMs) => {
        expect(error.code).toBe('MR_KAFKA_UNAVAILABLE');
        seen.push({ attempt, delayMs });
      },
    });
    expect(result).toBe(6);
    expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    for (const [index, capMs] of [1, 2, 4, 4, 4].entries()) {
      expect(seen[index]?.delayMs).toBeGreaterThanOrEqual(capMs / 2);
      expect(seen[index]?.delayMs).toBeLessThanOrEqual(capMs);
    }
  });

  it.each([
    ['a refusal', () => new MillraceError('MR_KAFKA_FAILED', 'refused')],
    ['an unknown error', () => new Error('bug')],
  ])('does not repeat %s', async (_what, error) => {
    const { call, calls } = failingTimes(1, error);
    await expect(retry(call, quick)).rejects.toThrow(error().message);
    expect(calls()).toBe(1);
  });

  it('gives up with the last error when the time is over', async () => {
    const { call, calls } = failingTimes(Infinity);
    await expect(retry(call, { ...quick, giveUpAfterMs: 0 })).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
    });
    expect(calls()).toBe(1);
  });

  it('ends its wait at once when it is aborted, with the last error', async () => {
    const abort = new AbortController();
    const { call, calls } = failingTimes(Infinity);
    const startedMs = performance.now();
    await expect(
      retry(call, {
        initialDelayMs: 60_000,
        maxDelayMs: 60_000,
        signal: abort.signal,
        onRetry: () => abort.abort(),
      }),
    ).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE' });
    expect(calls()).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
  });

  it('tries once under a signal that was aborted before', async () => {
    const { call, calls } = failingTimes(Infinity);
    await expect(retry(call, { ...quick, signal: AbortSignal.abort() })).rejects.toThrow('away');
    expect(calls()).toBe(1);
  });
});
