import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_HISTORY, mergeHistories } from './visitor-history.ts';

const seen = fc
  .uniqueArray(fc.record({ itemId: fc.constantFrom('a', 'b', 'c', 'd', 'e'), atMs: fc.nat(20) }), {
    selector: (item) => item.itemId,
  })
  .map((items) => items.sort((a, b) => b.atMs - a.atMs));
const history = fc.record({ viewed: seen, bought: seen });

describe('mergeHistories', () => {
  it('keeps each item once with its latest time, newest first, whatever the order of the histories', () => {
    fc.assert(
      fc.property(history, history, (one, other) => {
        const merged = mergeHistories([one, other]);
        expect(mergeHistories([other, one])).toEqual(merged);
        for (const field of ['viewed', 'bought'] as const) {
          const all = [...one[field], ...other[field]];
          expect(new Set(merged[field].map((item) => item.itemId))).toEqual(
            new Set(all.map((item) => item.itemId)),
          );
          for (const { itemId, atMs } of merged[field]) {
            expect(atMs).toBe(Math.max(...all.filter((item) => item.itemId === itemId).map((i) => i.atMs)));
          }
          const times = merged[field].map((item) => item.atMs);
          expect(times).toEqual(times.toSorted((a, b) => b - a));
        }
      }),
    );
  });

  it('is empty without histories', () => {
    expect(mergeHistories([])).toEqual(EMPTY_HISTORY);
  });
});
