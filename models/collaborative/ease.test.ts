import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csrOfRows } from '../sparse/csr-matrix.ts';
import { fitEase } from './ease.ts';

const ITEMS = 6;
const rows = () => fc.array(fc.uniqueArray(fc.nat(ITEMS - 1)), { minLength: 1, maxLength: 10 });

/** Solves A·x = b by elimination with pivoting: another way than the model's. */
function solve(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const m = a.map((row, i) => [...row, b[i] ?? 0]);
  const n = m.length;
  for (let column = 0; column < n; column++) {
    const pivot = m
      .slice(column)
      .reduce(
        (best, row, at) =>
          Math.abs(row[column] ?? 0) > Math.abs(m[best]?.[column] ?? 0) ? column + at : best,
        column,
      );
    [m[column], m[pivot]] = [m[pivot] ?? [], m[column] ?? []];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = (m[row]?.[column] ?? 0) / (m[column]?.[column] ?? 1);
      m[row] = (m[row] ?? []).map((value, at) => value - factor * (m[column]?.[at] ?? 0));
    }
  }
  return m.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1));
}

/** Column j of the weights is ridge regression of item j on all others: what the closed form comes from. */
test('weights are those of a ridge regression for each item', () => {
  fc.assert(
    fc.property(rows(), fc.constantFrom(0.5, 3, 100), (given, regularisation) => {
      const model = fitEase(csrOfRows(given, ITEMS), { regularisation });
      const x = (user: readonly number[], item: number) => (user.includes(item) ? 1 : 0);
      const gram = (i: number, j: number) => given.reduce((sum, user) => sum + x(user, i) * x(user, j), 0);
      for (let target = 0; target < ITEMS; target++) {
        const others = Array.from({ length: ITEMS }, (_, item) => item).filter((item) => item !== target);
        const weights = solve(
          others.map((i) => others.map((j) => gram(i, j) + (i === j ? regularisation : 0))),
          others.map((i) => gram(i, target)),
        );
        others.forEach((item, at) => {
          const scores = new Float32Array(ITEMS);
          model.score(Int32Array.of(item), scores);
          expect(scores[target]).toBeCloseTo(weights[at] ?? 0, 4);
        });
      }
    }),
  );
});

test('a regularisation that is none is refused', () => {
  for (const regularisation of [0, -1, Number.NaN])
    expect(() => fitEase(csrOfRows([[0]], 1), { regularisation })).toThrow(
      expect.objectContaining({ code: 'MR_MODEL_OPTION_INVALID' }) as Error,
    );
});
