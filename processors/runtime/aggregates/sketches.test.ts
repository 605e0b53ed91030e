import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accumulated, aggregatorLaws, resultOf, stored } from './aggregator.contract.ts';
import { distinctApproximate, quantiles, topK } from './index.ts';

const number = (value: number) => value;

describe('quantiles', () => {
  const RANKS = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1] as const;
  const ALPHA = 0.01;
  const sketch = quantiles(number, RANKS, { relativeError: ALPHA });
  const numbers = fc.array(
    fc.oneof(
      fc.integer({ min: -1000, max: 1000 }),
      // Within the fifteen decades that the default bound on the buckets has room for.
      fc.double({ min: 1e-5, max: 1e9, noNaN: true }),
      fc.double({ min: -1e9, max: -1e-5, noNaN: true }),
    ),
  );

  aggregatorLaws(sketch, { values: numbers });

  test('are within the relative error of the sorted numbers', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const sorted = [...list].sort((a, b) => a - b);
        const results = resultOf(sketch, list);
        RANKS.forEach((q, index) => {
          const truth = sorted[Math.floor(q * (sorted.length - 1))];
          if (truth === undefined) expect(results[index]).toBeNull();
          else
            expect(Math.abs((results[index] ?? NaN) - truth)).toBeLessThanOrEqual(
              ALPHA * Math.abs(truth) * (1 + 1e-9),
            );
        });
      }),
    );
  });

  test('of many numbers take bounded room', () => {
    const bounded = quantiles(number, [0.5], { relativeError: 0.02, maxBuckets: 128 });
    const accumulator = bounded.init();
    for (let n = 1; n <= 100_000; n++) bounded.add(accumulator, n ** 3);
    expect(stored(bounded, accumulator).length).toBeLessThan(2000);
    const [median] = bounded.result(accumulator);
    expect(Math.abs((median ?? 0) / 50_000 ** 3 - 1)).toBeLessThan(0.02);
  });

  test('refuse what is no finite number and options out of range', () => {
    expect(() => sketch.add(sketch.init(), Number.NaN)).toThrow(RangeError);
    expect(() => quantiles(number, [1.5])).toThrow(RangeError);
    expect(() => quantiles(number, [0.5], { relativeError: 0 })).toThrow(RangeError);
  });
});

describe('topK', () => {
  const few = fc.array(fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom('a', 'b')), {
    maxLength: 60,
  });
  const exact = topK((value: string | number) => value, { k: 4, capacity: 16 });

  aggregatorLaws(exact, { values: few });

  test('is exact while all different items have a counter', () => {
    fc.assert(
      fc.property(few, (list) => {
        const counts = new Map<string | number, number>();
        for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
        const best = [...counts.values()].sort((a, b) => b - a).slice(0, 4);
        const result = resultOf(exact, list);
        expect(result.map(({ count }) => count)).toEqual(best);
        for (const { item, count } of result) expect(counts.get(item)).toBe(count);
      }),
    );
  });

  test('beyond that each count is within its error, also merged, and nothing frequent is missed', () => {
    const capacity = 10;
    const bounded = topK(number, { k: capacity, capacity });
    const skewed = fc.array(
      fc.integer({ min: 1, max: 400 }).map((n) => Math.floor(400 / n)),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(skewed, skewed, (a, b) => {
        const all = [...a, ...b];
        const truth = (item: number) => all.filter((other) => other === item).length;
        const result = bounded.result(bounded.merge(accumulated(bounded, a), accumulated(bounded, b)));
        for (const { item, count, error } of result) {
          expect(truth(item)).toBeLessThanOrEqual(count);
          expect(truth(item)).toBeGreaterThanOrEqual(count - error);
          expect(error).toBeLessThanOrEqual(all.length / capacity);
        }
        const named = new Set(result.map(({ item }) => item));
        for (const item of new Set(all))
          if (truth(item) > all.length / capacity) expect(named.has(item)).toBe(true);
      }),
    );
  });
});

describe('distinctApproximate', () => {
  const sketch = distinctApproximate((value: string | number) => value, { precision: 10 });
  const items = fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 400 });

  aggregatorLaws(sketch, { values: items });

  test.each([0, 1, 10, 100, 1000, 10_000, 100_000])('of %i items is within four standard errors', (size) => {
    const error = 1.04 / Math.sqrt(2 ** 10);
    for (const seed of [1, 2, 3]) {
      const accumulator = sketch.init();
      for (let n = 0; n < size; n++) sketch.add(accumulator, `${seed}/${n}`);
      for (let n = 0; n < size; n += 7) sketch.add(accumulator, `${seed}/${n}`);
      expect(Math.abs(sketch.result(accumulator) - size)).toBeLessThanOrEqual(4 * error * size);
    }
  });

  test('of few items is exact and small', () => {
    const precise = distinctApproximate(number, { precision: 14 });
    const accumulator = accumulated(
      precise,
      Array.from({ length: 100 }, (_, n) => n),
    );
    expect(precise.result(accumulator)).toBe(100);
    expect(stored(precise, accumulator).length).toBeLessThan(1000);
  });
});
