import { expect, test } from 'vitest';
import { DueKeys, DueQueue } from './due-queue.ts';

test('the earliest comes first, of equal times what was pushed first, and nothing beyond the limit', () => {
  const queue = new DueQueue<string>();
  for (const [dueMs, item] of [
    [5, 'b'],
    [3, 'a'],
    [5, 'c'],
    [5, 'd'],
    [9, 'e'],
  ] as const)
    queue.push(dueMs, item);
  const taken: string[] = [];
  for (let due = queue.popDue(5); due !== undefined; due = queue.popDue(5)) taken.push(due.item);
  expect(taken).toEqual(['a', 'b', 'c', 'd']);
  expect(queue.popDue(9)).toMatchObject({ dueMs: 9, item: 'e' });
  expect(queue.popDue(Number.POSITIVE_INFINITY)).toBeUndefined();
});

test('of a key the earliest time counts, once', () => {
  const keys = new DueKeys();
  keys.offer('a', 7);
  keys.offer('a', 9);
  keys.offer('a', 4);
  keys.offer('b', 5);
  expect(keys.size).toBe(2);
  expect(keys.popDue(3)).toBeUndefined();
  expect(keys.popDue(10)).toMatchObject({ dueMs: 4, item: 'a' });
  expect(keys.popDue(10)).toMatchObject({ dueMs: 5, item: 'b' });
  expect(keys.popDue(10)).toBeUndefined();
  expect(keys.size).toBe(0);
});
