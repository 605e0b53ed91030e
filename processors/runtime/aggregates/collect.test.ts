import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { collect } from './collect.ts';

interface Click {
  readonly atMs: number;
  readonly itemId: string | undefined;
}

const latest = collect((click: Click) => click.itemId, { max: 3, atMs: (click) => click.atMs });
const clicks = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 9 }),
    itemId: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined }),
  }),
);

aggregatorLaws(latest, { values: clicks });

test('keeps the latest in the order of time and text', () => {
  fc.assert(
    fc.property(clicks, (list) => {
      const sorted = list
        .filter(({ itemId }) => itemId !== undefined)
        .map(({ atMs, itemId }) => `${atMs}${itemId ?? ''}`)
        .sort();
      expect(resultOf(latest, list)).toEqual(sorted.slice(-3).map((text) => text.slice(1)));
    }),
  );
});

test('refuses a bound that is none', () => {
  for (const max of [0, 1.5, Number.NaN])
    expect(() => collect((click: Click) => click.itemId, { max, atMs: () => 0 })).toThrow('collect: max');
});
