import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NeighbourList } from '../../schemas/keys.ts';
import { addNeighbours, neighboursValue, NO_NEIGHBOURS } from './neighbours.ts';

const WEEK_MS = 7 * 86_400_000;
const T0 = 1_767_225_600_000;

const served = (value: string) => (JSON.parse(value) as NeighbourList).items;

test('weights halve each week; a count of the past is added with what is left of it', () => {
  const now = addNeighbours(NO_NEIGHBOURS, [{ itemId: 'a', weight: 8 }], T0);
  const later = addNeighbours(now, [{ itemId: 'b', weight: 1 }], T0 + 2 * WEEK_MS);
  expect(later).toEqual({
    asOfMs: T0 + 2 * WEEK_MS,
    weights: [
      ['a', 2],
      ['b', 1],
    ],
  });
  const late = addNeighbours(later, [{ itemId: 'b', weight: 12 }], T0);
  expect(late.asOfMs).toBe(T0 + 2 * WEEK_MS);
  expect(new Map(late.weights)).toEqual(
    new Map([
      ['b', 4],
      ['a', 2],
    ]),
  );
});

test('the order of arrival does not matter', () => {
  const counts = fc.array(
    fc.record({
      itemId: fc.constantFrom('a', 'b', 'c', 'd'),
      weight: fc.double({ min: 0.1, max: 50, noNaN: true }),
      days: fc.integer({ min: 0, max: 60 }),
    }),
    { maxLength: 30 },
  );
  const total = (all: readonly { itemId: string; weight: number; days: number }[]) =>
    all.reduce(
      (so, { itemId, weight, days }) => addNeighbours(so, [{ itemId, weight }], T0 + days * 86_400_000),
      NO_NEIGHBOURS,
    );
  fc.assert(
    fc.property(counts, (all) => {
      const forward = new Map(total(all).weights);
      const backward = new Map(total([...all].reverse()).weights);
      expect([...forward.keys()].sort()).toEqual([...backward.keys()].sort());
      for (const [itemId, weight] of forward) expect((backward.get(itemId) ?? 0) / weight).toBeCloseTo(1, 6);
    }),
  );
});

test('keeps the strongest 100 and serves the best 50, best first', () => {
  const counts = Array.from({ length: 150 }, (_, n) => ({ itemId: `i${n}`, weight: n + 1 }));
  const item = addNeighbours(NO_NEIGHBOURS, counts, T0);
  expect(item.weights).toHaveLength(100);
  expect(item.weights.at(-1)).toEqual(['i50', 51]);
  const list = served(neighboursValue(item));
  expect(list).toHaveLength(50);
  expect(list[0]).toEqual({ itemId: 'i149', score: 150 });
});

test('equals are ordered by id, so that a list is the same each time', () => {
  const item = addNeighbours(
    NO_NEIGHBOURS,
    ['c', 'a', 'b'].map((itemId) => ({ itemId, weight: 1 / 3 })),
    T0,
  );
  expect(served(neighboursValue(item))).toEqual([
    { itemId: 'a', score: 0.3333 },
    { itemId: 'b', score: 0.3333 },
    { itemId: 'c', score: 0.3333 },
  ]);
});
