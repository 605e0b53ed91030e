import { topItems } from '../evaluation/top-items.ts';
import { rowCounts, rowOf, transpose, type CsrMatrix } from '../sparse/csr-matrix.ts';
import type { ItemScorer } from './item-scorer.ts';

/**
 * One family of item-item similarities over the users that two items share:
 *
 *     s(i → j) = Σ_u d_u^-u / (n_i^a · n_j^b + shrink)
 *
 * with d_u items of a user and n_i users of an item. u = 0, a = b = ½: cosine (Sarwar et al., WWW 2001), with shrinkage
 * (Bell & Koren, 2007). u = a = 1 and b = β: RP3β at α = 1 (Paudel et al., TiiS 2017): a walk from an item over its users
 * to another item, held back where that is popular. Exponents in between weigh users as tf-idf does, more smoothly.
 */
export interface NeighbourOptions {
  /** u: how much less a user with many items says. */
  readonly userExponent: number;
  /** a */
  readonly fromExponent: number;
  /** b: how far popular items are held back. */
  readonly toExponent: number;
  readonly shrink: number;
  /** Kept of each item: its best. */
  readonly neighbours: number;
}

/** Lists of the nearest items of each item. Training costs Σ_u d_u², memory 8 bytes a neighbour. */
export function fitItemNeighbours(train: CsrMatrix, options: NeighbourOptions): ItemScorer {
  const { neighbours } = options;
  const users = transpose(train);
  const size = train.columns;
  const near = new Int32Array(size * neighbours);
  const weights = new Float32Array(size * neighbours);
  const found = new Int32Array(size);
  const similarity = similarities(train, users, options);
  const best = new Int32Array(neighbours);
  for (let item = 0; item < size; item++) {
    const { row, others } = similarity(item);
    const count = topItems(row, best, others);
    found[item] = count;
    for (let at = 0; at < count; at++) {
      const other = best[at] ?? 0;
      near[item * neighbours + at] = other;
      weights[item * neighbours + at] = row[other] ?? 0;
    }
  }
  return {
    name: `item-item(${describe(options)})`,
    bytes: near.byteLength + weights.byteLength + found.byteLength,
    score(history, scores) {
      scores.fill(0);
      for (const item of history) {
        const start = item * neighbours;
        for (let at = start; at < start + (found[item] ?? 0); at++) {
          const other = near[at] ?? 0;
          scores[other] = (scores[other] ?? 0) + (weights[at] ?? 0);
        }
      }
    },
  };
}

interface Similar {
  /** -Infinity where two items share no user; `[items]` */
  readonly row: Float32Array;
  /** The others, in no order. */
  readonly others: readonly number[];
}

/** Makes the row of similarities of an item. The answer is overwritten by the next. */
function similarities(
  train: CsrMatrix,
  users: CsrMatrix,
  { userExponent, fromExponent, toExponent, shrink }: NeighbourOptions,
): (item: number) => Similar {
  const ofUser = rowCounts(train).map((count) => count ** -userExponent);
  const counts = rowCounts(users);
  const from = counts.map((count) => count ** fromExponent);
  const to = counts.map((count) => count ** toExponent);
  const sums = new Float32Array(train.columns).fill(Number.NEGATIVE_INFINITY);
  let touched: number[] = [];
  return (item) => {
    for (const other of touched) sums[other] = Number.NEGATIVE_INFINITY;
    touched = [];
    for (const user of rowOf(users, item)) {
      const weight = ofUser[user] ?? 0;
      for (const other of rowOf(train, user)) {
        const sum = sums[other] ?? 0;
        if (sum >= 0) sums[other] = sum + weight;
        else {
          sums[other] = weight;
          touched.push(other);
        }
      }
    }
    sums[item] = Number.NEGATIVE_INFINITY;
    for (const other of touched)
      sums[other] = (sums[other] ?? 0) / ((from[item] ?? 0) * (to[other] ?? 0) + shrink);
    return { row: sums, others: touched };
  };
}

function describe({ userExponent, fromExponent, toExponent, shrink, neighbours }: NeighbourOptions): string {
  const exponents = [userExponent, fromExponent, toExponent].map((value) => value.toFixed(2)).join(' ');
  return `exponents ${exponents}, shrink ${shrink}, ${neighbours} neighbours`;
}
