import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NeighbourList } from '../../schemas/keys.ts';
import { addNeighbours, neighboursValue, noNeighbours, type ItemNeighbours } from './neighbours.ts';

const WEEK_MS = 7 * 86_400_000;
const T0 = 1_767_225_600_000;

/** The item after counts were added at their times. */
function after(
  ...steps: readonly (readonly [counts: readonly { itemId: string; weight: number }[], atMs: number])[]
): ItemNeighbours {
  const item = noNeighbours();
  for (const [counts, atMs] of steps) addNeighbours(item, counts, atMs);
  return item;
}

const served = (value: string) => (JSON.parse(value) as NeighbourList).items;

test('weights halve each week; a count of the past is added with what is left of it', () => {
  const early = [[{ itemId: 'a', weight: 8 }], T0] as const satisfies [object[], number];
  const middle = [[{ itemId: 'b', weight: 1 }], T0 + 2 * WEEK_MS] as const satisfies [object[], number];
  expect(after([...early], [...middle])).toEqual({
    asOfMs: T0 + 2 * WEEK_MS,
    weights: [
      ['a', 2],
      ['b', 1],
    ],
  });
  const late = after([...early], [...middle], [[{ itemId: 'b', weight: 12 }], T0]);
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
    after(...all.map(({ itemId, weight, days }) => [[{ itemId, weight }], T0 + days * 86_400_000] as const));
  fc.assert(
    fc.property(counts, (all) => {
      const forward = new Map(total(all).weights);
      const backward = new Map(total([...all].reverse()).weights);
      expect([...forward.keys()].sort()).toEqual([...backward.keys()].sort());
      for (const [itemId, weight] of forward) expect((backward.get(itemId) ?? 0) / weight).toBeCloseTo(1, 6);
    }),
  );
});

test('keeps the strongest 50 and serves the best 30, best first', () => {
  const counts = Array.from({ length: 150 }, (_, n) => ({ itemId: `i${n}`, weight: n + 1 }));
  const item = after([counts, T0]);
  expect(item.weights).toHaveLength(50);
  expect(item.weights.at(-1)).toEqual(['i100', 101]);
  const list = served(neighboursValue(item));
  expect(list).toHaveLength(30);
  expect(list[0]).toEqual({ itemId: 'i149', score: 150 });
});

test('equals are ordered by id, so that a list is the same each time', () => {
  const item = after([['c', 'a', 'b'].map((itemId) => ({ itemId, weight: 1 / 3 })), T0]);
  expect(served(neighboursValue(item))).toEqual([
    { itemId: 'a', score: 0.3333 },
    { itemId: 'b', score: 0.3333 },
    { itemId: 'c', score: 0.3333 },
  ]);
});
