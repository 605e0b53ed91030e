import fc from 'fast-check';
import { expect, test } from 'vitest';
import { invertPositive } from './cholesky.ts';

/** AᵀA + I of a random A: positive definite. */
function definite(cells: readonly number[], size: number): Float64Array {
  const a = (i: number, j: number) => cells[i * size + j] ?? 0;
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    let sum = i === j ? 1 : 0;
    for (let k = 0; k < size; k++) sum += a(k, i) * a(k, j);
    return sum;
  });
}

test('a matrix times its inverse is one', () => {
  const given = fc
    .integer({ min: 1, max: 9 })
    .chain((size) =>
      fc.tuple(
        fc.constant(size),
        fc.array(fc.integer({ min: -4, max: 4 }), { minLength: size * size, maxLength: size * size }),
      ),
    );
  fc.assert(
    fc.property(given, ([size, cells]) => {
      const matrix = definite(cells, size);
      const inverse = matrix.slice();
      invertPositive(inverse, size);
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) {
          let sum = 0;
          for (let k = 0; k < size; k++) sum += (matrix[i * size + k] ?? 0) * (inverse[k * size + j] ?? 0);
          expect(sum).toBeCloseTo(i === j ? 1 : 0, 6);
        }
    }),
  );
});

test('one that is not positive definite is refused', () => {
  expect(() => {
    invertPositive(Float64Array.of(1, 2, 2, 1), 2);
  }).toThrow(expect.objectContaining({ code: 'MR_MODEL_NOT_DEFINITE' }) as Error);
});
