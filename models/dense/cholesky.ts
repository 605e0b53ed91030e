import { MillraceError } from '../../platform/errors.ts';

/**
 * Inverts a symmetric positive definite matrix in place: A = L·Lᵀ (Cholesky), then A⁻¹ = L⁻ᵀ·L⁻¹ (Golub & Van Loan, Matrix
 * Computations, 4.2). About n³ / 2 multiplications, rows only, so that memory is read in its order.
 * @param matrix row by row, both triangles; `[size²]`
 * @throws MillraceError MR_MODEL_NOT_DEFINITE
 */
export function invertPositive(matrix: Float64Array, size: number): void {
  factor(matrix, size);
  invertLower(matrix, size);
  multiplyBack(matrix, size);
}

/** The lower triangle becomes L. */
function factor(a: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    const rowI = i * size;
    for (let j = 0; j <= i; j++) {
      const rowJ = j * size;
      let sum = a[rowI + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (a[rowI + k] ?? 0) * (a[rowJ + k] ?? 0);
      if (i !== j) a[rowI + j] = sum / (a[rowJ + j] ?? 1);
      else if (sum > 0) a[rowI + i] = Math.sqrt(sum);
      else
        throw new MillraceError('MR_MODEL_NOT_DEFINITE', 'the matrix to invert is not positive definite', {
          context: { row: i, pivot: sum },
        });
    }
  }
}

/** L becomes L⁻¹, row by row from the top: row i of it is −(Σ_k<i L_ik · row k) / L_ii. */
function invertLower(a: Float64Array, size: number): void {
  const sum = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const rowI = i * size;
    sum.fill(0, 0, i);
    for (let k = 0; k < i; k++) {
      const weight = a[rowI + k] ?? 0;
      if (weight === 0) continue;
      const rowK = k * size;
      for (let j = 0; j <= k; j++) sum[j] = (sum[j] ?? 0) + weight * (a[rowK + j] ?? 0);
    }
    const pivot = 1 / (a[rowI + i] ?? 1);
    for (let j = 0; j < i; j++) a[rowI + j] = -(sum[j] ?? 0) * pivot;
    a[rowI + i] = pivot;
  }
}

/** L⁻¹ becomes L⁻ᵀ·L⁻¹, both triangles: row i is finished when every row above it has been used up. */
function multiplyBack(a: Float64Array, size: number): void {
  const row = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    row.fill(0, 0, i + 1);
    for (let k = i; k < size; k++) {
      const weight = a[k * size + i] ?? 0;
      if (weight === 0) continue;
      const rowK = k * size;
      for (let j = 0; j <= i; j++) row[j] = (row[j] ?? 0) + weight * (a[rowK + j] ?? 0);
    }
    // Row i of L⁻¹ is needed by no later row of the product: those use the rows below.
    for (let j = 0; j <= i; j++) a[i * size + j] = row[j] ?? 0;
  }
  for (let i = 0; i < size; i++) for (let j = i + 1; j < size; j++) a[i * size + j] = a[j * size + i] ?? 0;
}
