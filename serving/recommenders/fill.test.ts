import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECOMMENDERS } from '../recommend.ts';
import { fill } from './fill.ts';
import type { RecommendationContext } from './recommender.ts';

const item = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const unique = fc.uniqueArray(item);
const times = (items: readonly string[]) => items.map((itemId, index) => ({ itemId, atMs: 1000 - index }));
const scored = (items: readonly string[]) => items.map((itemId, index) => ({ itemId, score: 10 - index }));

const context = fc
  .record({
    viewed: unique,
    bought: unique,
    wanted: fc.option(unique),
    popular: unique,
    neighbours: fc.dictionary(item, unique),
  })
  .map(
    ({ viewed, bought, wanted, popular, neighbours }): RecommendationContext => ({
      history: { viewed: times(viewed), bought: times(bought) },
      trending: wanted === null ? null : { asOfMs: 0, items: scored(wanted) },
      neighbours: new Map(Object.entries(neighbours).map(([of, items]) => [of, { items: scored(items) }])),
      fallbackItems: () => popular,
    }),
  );

describe('the recommenders in order', () => {
  it('never show what was bought, never an item twice, and fill as many places as they can', () => {
    fc.assert(
      fc.property(context, fc.integer({ min: 1, max: 10 }), (ctx, limit) => {
        const items = fill(RECOMMENDERS, ctx, limit);
        const ids = items.map((entry) => entry.itemId);
        const bought = new Set(ctx.history.bought.map((entry) => entry.itemId));
        expect(ids.some((id) => bought.has(id))).toBe(false);
        expect(new Set(ids).size).toBe(ids.length);
        expect(items.map((entry) => entry.position)).toEqual(ids.map((_, index) => index));
        const proposed = new Set(RECOMMENDERS.flatMap((one) => one.recommend(ctx).map((c) => c.itemId)));
        const possible = [...proposed].filter((id) => !bought.has(id));
        expect(ids).toHaveLength(Math.min(limit, possible.length));
      }),
    );
  });

  it('go from co-visitation over trending to the last resort, and the item on the screen comes last', () => {
    const items = fill(
      RECOMMENDERS,
      {
        history: { viewed: times(['now', 'before']), bought: [] },
        neighbours: new Map([['now', { items: scored(['near']) }]]),
        trending: { asOfMs: 0, items: scored(['now', 'hot']) },
        fallbackItems: () => ['now', 'hot', 'old'],
      },
      10,
    );
    expect(items.map((entry) => [entry.itemId, entry.source])).toEqual([
      ['near', 'co-visitation'],
      ['hot', 'trending'],
      ['old', 'last-resort'],
      ['before', 'last-resort'],
      ['now', 'last-resort'],
    ]);
  });
});
