import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DDSketch } from './ddsketch.ts';

function sketchOf(numbers: readonly number[], { relativeError = 0.01, maxBuckets = 100_000 } = {}): DDSketch {
  const sketch = new DDSketch({ relativeError, maxBuckets });
  for (const x of numbers) sketch.add(x);
  return sketch;
}

describe('DDSketch', () => {
  test('keeps its relative error over the whole range of doubles, at any error asked for', () => {
    const doubles = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    const relativeErrors = fc.constantFrom(0.005, 0.05, 0.5);
    fc.assert(
      fc.property(doubles, relativeErrors, (list, relativeError) => {
        const sketch = sketchOf(list, { relativeError, maxBuckets: 400_000 });
        const sorted = [...list].sort((a, b) => a - b);
        sorted.forEach((truth, rank) => {
          const q = sorted.length === 1 ? 0 : (rank + 0.5) / (sorted.length - 1);
          const result = sketch.quantile(Math.min(q, 1)) ?? Number.NaN;
          const slack = relativeError * Math.abs(truth) * (1 + 1e-9) + 2 ** -1022;
          expect(Math.abs(result - truth)).toBeLessThanOrEqual(slack);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('gives the exact extremes at the ends', () => {
    const list = [-3.25, 0, 1e-9, 77.7];
    expect([sketchOf(list).quantile(0), sketchOf(list).quantile(1)]).toEqual([-3.25, 77.7]);
    expect(sketchOf([Number.MAX_VALUE]).quantile(0.5)).toBe(Number.MAX_VALUE);
    expect(sketchOf([-Number.MAX_VALUE]).quantile(0.5)).toBe(-Number.MAX_VALUE);
    expect(sketchOf([]).quantile(0.5)).toBeUndefined();
  });

  test('collapses the smallest magnitudes only', () => {
    const list = Array.from({ length: 1000 }, (_, index) => 1.05 ** index);
    const sketch = sketchOf(list, { maxBuckets: 1000 });
    for (const q of [0.7, 0.9, 0.99]) {
      const truth = list[Math.floor(q * 999)] ?? 0;
      expect(Math.abs((sketch.quantile(q) ?? 0) / truth - 1)).toBeLessThanOrEqual(0.01 + 1e-9);
    }
    expect(sketch.quantile(0.1)).toBeGreaterThan((list[99] ?? 0) * 2);
  });
});
