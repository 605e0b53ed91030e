import { expect, test } from 'vitest';
import { search, type Point } from './search.ts';

const SPACE = {
  exponent: { from: 0, to: 1 },
  strength: { from: 0.1, to: 1000, isLogarithmic: true },
} as const;

function draws(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** Best at 0.4 and 50. */
const hill = ({ exponent, strength }: Point<typeof SPACE>) =>
  -((exponent - 0.4) ** 2) - (Math.log10(strength / 50) / 4) ** 2;

const run = (budget: number, seed = 7) => {
  const asked: Point<typeof SPACE>[] = [];
  const found = search({
    ...{ space: SPACE, budget, random: draws(seed), seeds: [{ exponent: 1, strength: 1 }] },
    objective: (point) => {
      asked.push(point);
      return hill(point);
    },
  });
  return { ...found, asked };
};

test('comes near the best within its budget, and never leaves the bounds', () => {
  const { point, value, asked } = run(120);
  expect(asked).toHaveLength(120);
  expect(Math.abs(point.exponent - 0.4)).toBeLessThan(0.1);
  expect(Math.abs(Math.log10(point.strength / 50))).toBeLessThan(0.4);
  expect(value).toBe(Math.max(...asked.map(hill)));
  for (const { exponent, strength } of asked) {
    expect(exponent).toBeGreaterThanOrEqual(0);
    expect(exponent).toBeLessThanOrEqual(1);
    expect(strength).toBeGreaterThanOrEqual(0.1);
    expect(strength).toBeLessThanOrEqual(1000.0001);
  }
});

test('is the same with the same draws; with a budget of one, it is the first seed', () => {
  expect(run(30)).toEqual(run(30));
  expect(run(30).point).not.toEqual(run(30, 8).point);
  expect(run(1).point).toEqual({ exponent: 1, strength: 1 });
});
