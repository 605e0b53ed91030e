import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1];

/** The smallest value with at least a share q of the values at or below it. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

test('quantiles are within 2 % of the exact ones', () => {
  const durations = fc.array(fc.double({ min: 0.01, max: 1e7, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(durations, (values) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.record(value);
      for (const q of QUANTILES) {
        const exact = exactQuantile(values, q);
        expect(Math.abs(histogram.quantile(q) - exact) / exact).toBeLessThanOrEqual(0.02);
      }
      expect(histogram.count).toBe(values.length);
    }),
  );
});

test('durations of nothing, and of clocks that went back, count as 0.01 ms', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0, -5]) histogram.record(ms);
  expect(histogram.quantile(1)).toBeCloseTo(0.01, 3);
});

test('an empty histogram, and one that was reset, answer 0', () => {
  const histogram = new LatencyHistogram();
  expect(histogram.quantile(0.5)).toBe(0);
  histogram.record(100);
  histogram.reset();
  expect([histogram.quantile(0.99), histogram.count]).toEqual([0, 0]);
  histogram.record(7);
  expect(histogram.quantile(0.5)).toBeCloseTo(7, 0);
});
