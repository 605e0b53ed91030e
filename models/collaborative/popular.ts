import { rowCounts, transpose, type CsrMatrix } from '../sparse/csr-matrix.ts';
import type { ItemScorer } from './item-scorer.ts';

/** Everybody gets what most users took: the floor that any model must be above. */
export function fitPopular(train: CsrMatrix): ItemScorer {
  const counts = Float32Array.from(rowCounts(transpose(train)));
  return {
    name: 'popular',
    bytes: counts.byteLength,
    score: (_history, scores) => {
      scores.set(counts);
    },
  };
}
