import { describe, expect, it } from 'vitest';
import { cached } from './cached.ts';

describe('cached', () => {
  it('shares one read for its time to live', async () => {
    let nowMs = 0;
    let reads = 0;
    const read = cached(async () => ++reads, { ttlMs: 1000, now: () => nowMs });
    expect(await Promise.all([read(), read()])).toEqual([1, 1]);
    nowMs = 999;
    expect(await read()).toBe(1);
    nowMs = 1000;
    expect(await read()).toBe(2);
  });

  it('does not keep a rejection', async () => {
    let reads = 0;
    const read = cached(() => (++reads === 1 ? Promise.reject(new Error('down')) : Promise.resolve('up')), {
      ttlMs: 1000,
      now: () => 0,
    });
    await expect(read()).rejects.toThrow('down');
    expect(await read()).toBe('up');
  });
});
