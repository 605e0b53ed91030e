import { MillraceError } from '../../platform/errors.ts';
import { invertPositive } from '../dense/cholesky.ts';
import { rowOf, type CsrMatrix } from '../sparse/csr-matrix.ts';
import type { ItemScorer } from './item-scorer.ts';

export interface EaseOptions {
  /** λ: the L2 norm of the weights costs so much. */
  readonly regularisation: number;
}

/** Bytes that training takes for so many items: the inverse in double precision, and the weights. */
export function easeBytes(items: number): number {
  return items * items * (8 + 4);
}

/**
 * EASE^R (Steck, WWW 2019, arXiv 1905.03375): the item-item weights with a zero diagonal that best give the matrix back,
 * in closed form: P = (XᵀX + λI)⁻¹, B = I − P · diag(1 / P_jj). Training takes I³ / 2 multiplications and
 * {@link easeBytes}: for catalogues up to some thousand items.
 */
export function fitEase(train: CsrMatrix, { regularisation }: EaseOptions): ItemScorer {
  if (!(regularisation > 0))
    throw new MillraceError('MR_MODEL_OPTION_INVALID', 'the regularisation of EASE must be above 0', {
      context: { regularisation },
    });
  const size = train.columns;
  const inverse = gram(train, regularisation);
  invertPositive(inverse, size);
  const weights = new Float32Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      if (i !== j) weights[i * size + j] = -(inverse[i * size + j] ?? 0) / (inverse[j * size + j] ?? 1);
  return {
    name: `ease(λ ${regularisation})`,
    bytes: weights.byteLength,
    score(history, scores) {
      scores.fill(0);
      for (const item of history) {
        const row = weights.subarray(item * size, (item + 1) * size);
        for (let j = 0; j < size; j++) scores[j] = (scores[j] ?? 0) + (row[j] ?? 0);
      }
    },
  };
}

/** XᵀX + λI, row by row; `[items²]`. */
function gram(train: CsrMatrix, regularisation: number): Float64Array {
  const size = train.columns;
  const sums = new Float64Array(size * size);
  for (let user = 0; user < train.rows; user++) {
    const row = rowOf(train, user);
    for (const i of row) for (const j of row) sums[i * size + j] = (sums[i * size + j] ?? 0) + 1;
  }
  for (let i = 0; i < size; i++) sums[i * size + i] = (sums[i * size + i] ?? 0) + regularisation;
  return sums;
}
