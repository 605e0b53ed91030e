import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { applyPatches } from './patches.ts';

interface Queue {
  readonly pending: unknown[];
  throttledUntil: number;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

/** kafkajs's own queue, as it ships: the patch must fit the version that is installed. */
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => Queue;

const newQueue = () =>
  new RequestQueue({
    requestTimeout: 1000,
    maxInFlightRequests: null,
    logger: { debug: () => undefined },
    clientId: 'test',
    broker: 'b:1',
  });

describe('the patched kafkajs request queue', () => {
  beforeEach(() => {
    applyPatches();
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('arms no timer while nothing waits: as it ships, one of a millisecond, for ever', () => {
    const queue = newQueue();
    queue.checkPendingRequests();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('checks again when a throttle ends', () => {
    const queue = newQueue();
    const send = vi.fn();
    queue.throttledUntil = Date.now() + 500;
    queue.pending.push({ send, expectResponse: true });
    queue.scheduleCheckPendingRequests();
    vi.advanceTimersByTime(499);
    expect(send).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2);
    expect(send).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is applied once, however often it is asked for', () => {
    const before = Object.getOwnPropertyDescriptor(RequestQueue.prototype, 'scheduleCheckPendingRequests')
      ?.value as unknown;
    applyPatches();
    const after = Object.getOwnPropertyDescriptor(RequestQueue.prototype, 'scheduleCheckPendingRequests')
      ?.value as unknown;
    expect(after).toBe(before);
  });
});
