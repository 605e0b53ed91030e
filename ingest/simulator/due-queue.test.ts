import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDueQueue } from './due-queue.ts';

describe('createDueQueue', () => {
  test('gives what is due, the earliest first, equals in the order they came', () => {
    const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 });
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 20 }), (dueTimes, nowMs) => {
        const queue = createDueQueue<{ dueMs: number; order: number }>();
        const elements = dueTimes.map((dueMs, order) => ({ dueMs, order }));
        for (const element of elements) queue.push(element);
        const popped = [];
        for (let next = queue.popDue(nowMs); next !== undefined; next = queue.popDue(nowMs))
          popped.push(next);
        const due = elements.filter(({ dueMs }) => dueMs <= nowMs);
        expect(popped).toEqual(due.toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order));
        expect(queue.size).toBe(elements.length - due.length);
      }),
    );
  });
});
