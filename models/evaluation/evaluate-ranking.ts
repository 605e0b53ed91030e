import type { ItemScorer } from '../collaborative/item-scorer.ts';
import { rowOf, type CsrMatrix } from '../sparse/csr-matrix.ts';
import { rankingMetrics, type RankingMetrics } from './ranking-metrics.ts';
import { topItems } from './top-items.ts';

/** A user to evaluate with. */
export interface RankingCase {
  /** Row of the training matrix; undefined for somebody who is not in it. */
  readonly user: number | undefined;
  /** Items that they took later: columns of the training matrix, or numbers beyond it for unknown ones; at least one. */
  readonly relevant: ReadonlySet<number>;
}

export interface RankingReport extends RankingMetrics {
  readonly cases: number;
  /** Share of the catalogue that anybody was shown. */
  readonly coverage: number;
  /** Mean of −log2 of the share of users that have an item, over all that were shown (Zhou et al., PNAS 2010). */
  readonly novelty: number;
  /** Mean number of users of the items that were shown, over that of all items. */
  readonly popularityBias: number;
}

export interface EvaluateOptions {
  readonly train: CsrMatrix;
  /** Users of each item: `[items]`. */
  readonly itemCounts: Float64Array;
  /** Answers for those of whom nothing is known. */
  readonly fallback: ItemScorer;
  readonly k: number;
  readonly onCase?: (done: number) => void;
}

/** Ranks all items but those of the history for each case, and averages what the lists are worth. */
export function evaluateRanking(
  model: ItemScorer,
  cases: readonly RankingCase[],
  options: EvaluateOptions,
): RankingReport {
  const { train, fallback, k, onCase } = options;
  const scores = new Float32Array(train.columns);
  const top = new Int32Array(Math.min(k, train.columns));
  const sums = { recall: 0, ndcg: 0, reciprocalRank: 0, averagePrecision: 0, hit: 0 };
  const shown = new Shown(options);
  const none = new Int32Array(0);
  cases.forEach(({ user, relevant }, index) => {
    const history = user === undefined ? none : rowOf(train, user);
    (history.length === 0 ? fallback : model).score(history, scores);
    for (const item of history) scores[item] = Number.NEGATIVE_INFINITY;
    const list = top.subarray(0, topItems(scores, top));
    const metrics = rankingMetrics(list, relevant, k);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += metrics[name];
    shown.add(list);
    onCase?.(index + 1);
  });
  const { recall, ndcg, reciprocalRank, averagePrecision, hit } = sums;
  const mean = (sum: number) => sum / cases.length;
  return {
    ...{ cases: cases.length, recall: mean(recall), ndcg: mean(ndcg), hit: mean(hit) },
    ...{ reciprocalRank: mean(reciprocalRank), averagePrecision: mean(averagePrecision) },
    ...shown.report(),
  };
}

/** What was shown to anybody. */
class Shown {
  readonly #counts: Float64Array;
  readonly #users: number;
  readonly #items = new Set<number>();
  #places = 0;
  #surprise = 0;
  #popularity = 0;

  constructor({ itemCounts, train }: EvaluateOptions) {
    this.#counts = itemCounts;
    this.#users = train.rows;
  }

  add(list: Int32Array): void {
    for (const item of list) {
      const count = this.#counts[item] ?? 0;
      this.#items.add(item);
      this.#places += 1;
      this.#surprise -= Math.log2(Math.max(1, count) / this.#users);
      this.#popularity += count;
    }
  }

  report(): Pick<RankingReport, 'coverage' | 'novelty' | 'popularityBias'> {
    const { length: items } = this.#counts;
    const average = this.#counts.reduce((sum, count) => sum + count, 0) / items;
    const places = Math.max(1, this.#places);
    return {
      coverage: this.#items.size / items,
      novelty: this.#surprise / places,
      popularityBias: this.#popularity / places / average,
    };
  }
}
