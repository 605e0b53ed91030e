import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withDeadline } from './deadline.ts';

describe('withDeadline', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const expired = () => new Error('expired');

  it('gives the result and leaves no timer', async () => {
    await expect(withDeadline(Promise.resolve(1), 100, expired)).resolves.toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('passes a failure on and leaves no timer', async () => {
    await expect(withDeadline(Promise.reject(new Error('failed')), 100, expired)).rejects.toThrow('failed');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects after the time, and a later failure of the work bothers nobody', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const result = expect(withDeadline(work, 100, expired)).rejects.toThrow('expired');
    await vi.advanceTimersByTimeAsync(101);
    await result;
    fail(new Error('too late'));
  });

  it('lets an answer win that has arrived while the event loop was blocked', async () => {
    vi.useRealTimers();
    const answer = stat(import.meta.filename);
    const result = withDeadline(answer, 20, expired);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
    await expect(result).resolves.toHaveProperty('size');
  });
});
