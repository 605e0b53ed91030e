import type { CsrMatrix } from '../sparse/csr-matrix.ts';

/** A trained model that says how well each item suits somebody with a history. */
export interface ItemScorer {
  /** The algorithm with its hyper-parameters, for reports. */
  readonly name: string;
  /** What it holds in memory, bytes. */
  readonly bytes: number;
  /**
   * Scores of all items: the higher, the better; meant for ranking only.
   * @param history items, ascending, without repetitions; `[n]`
   * @param scores is overwritten; `[items]`
   */
  score(history: Int32Array, scores: Float32Array): void;
}

/** Trains a model on a matrix of users by items. */
export type FitScorer = (train: CsrMatrix) => ItemScorer;
