import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Turns } from './turns.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('gives turns in the order in which they were asked for, one at a time', async () => {
  const turns = new Turns();
  const order: number[] = [];
  const first = await turns.take('first', 100);
  const others = [1, 2, 3].map(async (number) => {
    const giveBack = await turns.take('next', 100);
    order.push(number);
    giveBack();
  });
  await vi.advanceTimersByTimeAsync(50);
  expect(order).toEqual([]);
  first();
  first(); // twice is once
  await Promise.all(others);
  expect(order).toEqual([1, 2, 3]);
  (await turns.take('free again', 0))();
});

it('lets nobody wait longer than told, and passes over who has left', async () => {
  const turns = new Turns();
  const first = await turns.take('first', 100);
  const left = turns.take('left', 50);
  const stayed = turns.take('stayed', 500);
  const refused = expect(left).rejects.toMatchObject({
    code: 'MR_POSTGRES_UNAVAILABLE',
    context: { timeoutMs: 50 },
  });
  await vi.advanceTimersByTimeAsync(60);
  await refused;
  first();
  const giveBack = await stayed;
  await vi.advanceTimersByTimeAsync(1000);
  giveBack();
});
