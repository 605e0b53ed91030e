import { expect, test } from 'vitest';
import { rankingMetrics } from './ranking-metrics.ts';

const metrics = (ranked: readonly number[], relevant: readonly number[], k: number) => {
  const { recall, ndcg, reciprocalRank, averagePrecision, hit } = rankingMetrics(
    ranked,
    new Set(relevant),
    k,
  );
  return [recall, ndcg, reciprocalRank, averagePrecision, hit].map((value) => Number(value.toFixed(6)));
};

// By hand: 1/log2(2) = 1, 1/log2(3) = 0.630930, 1/log2(4) = 0.5, 1/log2(5) = 0.430677.
test.each([
  ['all of two, first', [1, 2, 3], [1, 2], 3, [1, 1, 1, 1, 1]],
  ['none', [1, 2, 3], [4], 3, [0, 0, 0, 0, 0]],
  ['one of two, in the second place', [9, 1, 8], [1, 2], 3, [0.5, 0.386853, 0.5, 0.25, 1]],
  ['first and third of two', [1, 9, 2], [1, 2], 3, [1, 0.919721, 1, 0.833333, 1]],
  ['behind k counts for nothing', [9, 8, 1], [1], 2, [0, 0, 0, 0, 0]],
  ['more are relevant than the list has room for', [1, 2], [1, 2, 3, 4], 2, [0.5, 1, 1, 1, 1]],
  ['a list that is shorter than k', [1], [1, 2], 5, [0.5, 0.613147, 1, 0.5, 1]],
] as const)('%s', (...[, ranked, relevant, k, expected]) => {
  expect(metrics(ranked, relevant, k)).toEqual(expected);
});
