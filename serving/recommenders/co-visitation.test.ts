import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NeighbourList } from '../../schemas/keys.ts';
import { coVisitation, CO_VISITATION_DEFAULTS } from './co-visitation.ts';
import type { RecommendationContext } from './recommender.ts';

const ITEMS = Array.from({ length: 12 }, (_, index) => `item-${index}`);
const { positionDecay, halfLifeMs, recentItems } = CO_VISITATION_DEFAULTS;

function contextOf(
  viewed: readonly { itemId: string; atMs: number }[],
  neighbours: ReadonlyMap<string, NeighbourList>,
): RecommendationContext {
  return { history: { viewed, bought: [] }, neighbours, trending: null, fallbackItems: () => [] };
}

const viewed = fc
  .uniqueArray(fc.record({ itemId: fc.constantFrom(...ITEMS), atMs: fc.integer({ min: 0, max: 9e7 }) }), {
    selector: (view) => view.itemId,
  })
  .map((views) => views.sort((a, b) => b.atMs - a.atMs));

const neighbourMap = fc
  .array(
    fc.tuple(
      fc.constantFrom(...ITEMS),
      fc.uniqueArray(
        fc.record({
          itemId: fc.constantFrom(...ITEMS),
          score: fc.double({ min: 0.01, max: 50, noNaN: true }),
        }),
        { selector: (neighbour) => neighbour.itemId },
      ),
    ),
  )
  .map((entries) => new Map(entries.map(([item, items]) => [item, { items }])));

/** Straight from the definition, item by item, without a shared accumulator. */
function oracle(context: RecommendationContext, candidate: string): number {
  const views = context.history.viewed;
  return views.slice(0, recentItems).reduce((sum, view, position) => {
    const list = context.neighbours.get(view.itemId)?.items ?? [];
    const score = list.find((neighbour) => neighbour.itemId === candidate)?.score ?? 0;
    const best = list.reduce((most, neighbour) => Math.max(most, neighbour.score), 0);
    const weight = positionDecay ** position * 0.5 ** ((views[0]!.atMs - view.atMs) / halfLifeMs);
    return best === 0 ? sum : sum + weight * (score / best);
  }, 0);
}

describe('co-visitation', () => {
  it('ranks as brute force does', () => {
    fc.assert(
      fc.property(viewed, neighbourMap, (views, neighbours) => {
        const context = contextOf(views, neighbours);
        const ranked = coVisitation().recommend(context);
        const seen = new Set(views.map((view) => view.itemId));
        const expected = ITEMS.filter((item) => !seen.has(item) && oracle(context, item) > 0);
        expect(new Set(ranked.map((candidate) => candidate.itemId))).toEqual(new Set(expected));
        expect(ranked).toHaveLength(expected.length);
        for (const candidate of ranked) {
          expect(candidate.score).toBeCloseTo(oracle(context, candidate.itemId), 9);
        }
        const scores = ranked.map((candidate) => candidate.score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      }),
    );
  });

  it('names the viewed items that count most as the reason', () => {
    const views = ['a', 'b', 'c'].map((itemId, index) => ({ itemId, atMs: 1000 - index }));
    const list = { items: [{ itemId: 'x', score: 3 }] };
    const neighbours = new Map(views.map((view) => [view.itemId, list]));
    const [best] = coVisitation().recommend(contextOf(views, neighbours));
    expect(best?.because).toEqual(['a', 'b']);
    expect(best?.reason).toBe('Often viewed together with a and b');
  });

  it('serves a visitor who comes back after a week as before', () => {
    const week = 7 * 86_400_000;
    const neighbours = new Map([
      ['a', { items: [{ itemId: 'x', score: 1 }] }],
      ['b', { items: [{ itemId: 'y', score: 1 }] }],
    ]);
    const at = (ms: number) => [
      { itemId: 'a', atMs: ms },
      { itemId: 'b', atMs: ms - 60_000 },
    ];
    expect(coVisitation().recommend(contextOf(at(week), neighbours))).toEqual(
      coVisitation().recommend(contextOf(at(2 * week), neighbours)),
    );
  });
});
