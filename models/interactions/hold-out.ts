import type { RankingCase } from '../evaluation/evaluate-ranking.ts';
import { csrOfRows, rowOf, type CsrMatrix } from '../sparse/csr-matrix.ts';

export interface HeldOut {
  readonly train: CsrMatrix;
  /** One for each user that something was taken from. */
  readonly cases: readonly RankingCase[];
}

/**
 * Takes a share of each user's items away, to be guessed from the rest: at least one of whoever has two or more.
 * @param random uniform in [0, 1); the same numbers give the same parts
 */
export function holdOut(matrix: CsrMatrix, share: number, random: () => number): HeldOut {
  const cases: RankingCase[] = [];
  const rows = Array.from({ length: matrix.rows }, (_, user) => {
    const items = shuffled(rowOf(matrix, user), random);
    const count =
      items.length < 2 ? 0 : Math.min(items.length - 1, Math.max(1, Math.round(items.length * share)));
    if (count > 0) cases.push({ user, relevant: new Set(items.subarray(0, count)) });
    return items.subarray(count);
  });
  return { train: csrOfRows(rows, matrix.columns), cases };
}

/** Fisher and Yates. */
function shuffled(items: Int32Array, random: () => number): Int32Array {
  const copy = items.slice();
  for (let at = copy.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const item = copy[at] ?? 0;
    copy[at] = copy[other] ?? 0;
    copy[other] = item;
  }
  return copy;
}
