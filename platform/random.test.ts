import { describe, expect, test } from 'vitest';
import { createRandom, createWeighted } from './random.ts';

const draws = (...parts: readonly (string | number)[]) => {
  const random = createRandom(...parts);
  return Array.from({ length: 1000 }, () => random.next());
};

describe('createRandom', () => {
  test('repeats itself for the same parts only', () => {
    expect(draws(1, 'a')).toEqual(draws(1, 'a'));
    expect(draws(1, 'a')).not.toEqual(draws(2, 'a'));
    expect(draws(1, 'a')).not.toEqual(draws(1, 'b'));
    expect(draws('1a')).not.toEqual(draws(1, 'a'));
  });

  test('is uniform in [0, 1)', () => {
    const numbers = Array.from({ length: 50 }, (_, seed) => draws(seed)).flat();
    const tenths = Array.from(
      { length: 10 },
      (_, n) => numbers.filter((x) => Math.floor(x * 10) === n).length,
    );
    expect(tenths.reduce((a, b) => a + b)).toBe(50_000);
    // Chi-square with 9 degrees of freedom: above 27.9 in one of 1,000 seeds; this seed is fixed.
    expect(tenths.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0)).toBeLessThan(27.9);
  });

  test('draws exponential times with the mean asked for', () => {
    const random = createRandom('exponential');
    const times = Array.from({ length: 50_000 }, () => random.exponential(200));
    expect(times.reduce((a, b) => a + b) / times.length).toBeGreaterThan(195);
    expect(times.reduce((a, b) => a + b) / times.length).toBeLessThan(205);
    expect(Math.max(...times)).toBeLessThanOrEqual(1600);
  });
});

describe('createWeighted', () => {
  test('draws in proportion to the weights', () => {
    const random = createRandom('weights');
    const draw = createWeighted(['a', 'b', 'c'], (_, rank) => [6, 3, 1][rank] ?? 0);
    const drawn = Array.from({ length: 50_000 }, () => draw(random));
    const share = (element: string) => drawn.filter((one) => one === element).length / drawn.length;
    expect(share('a')).toBeCloseTo(0.6, 1);
    expect(share('b')).toBeCloseTo(0.3, 1);
    expect(share('c')).toBeCloseTo(0.1, 1);
  });
});
