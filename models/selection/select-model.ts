import { MillraceError } from '../../platform/errors.ts';
import type { FitScorer } from '../collaborative/item-scorer.ts';
import { fitPopular } from '../collaborative/popular.ts';
import { evaluateRanking, type RankingCase } from '../evaluation/evaluate-ranking.ts';
import { holdOut } from '../interactions/hold-out.ts';
import { rowCounts, transpose, type CsrMatrix } from '../sparse/csr-matrix.ts';
import type { Candidate } from './candidates.ts';

export interface SelectOptions {
  /** Of which one is chosen. */
  readonly candidates: readonly Candidate[];
  readonly k: number;
  /** Uniform in [0, 1); the same numbers give the same choice. */
  readonly random: () => number;
  /** Bytes that training may take; a candidate above it is left out. */
  readonly maxBytes: number;
  readonly effort: number;
  /** Told of each trial: what it was, and its value. */
  readonly onTrial?: (trial: {
    readonly candidate: string;
    readonly model: string;
    readonly value: number;
  }) => void;
}

export interface Selected {
  readonly candidate: string;
  readonly fit: FitScorer;
  /** NDCG on the validation part. */
  readonly value: number;
  /** Candidates that were not tried, and why. */
  readonly leftOut: readonly { readonly candidate: string; readonly reason: string }[];
}

const SHARE = 0.2;
/** More users than these change the third digit of a mean only. */
const MAX_CASES = 6000;

/**
 * Chooses a kind of model and its hyper-parameters by NDCG at k on a part of the training data that is held out: a fifth of
 * the items of each user. Nothing else is looked at.
 * @throws MillraceError MR_MODEL_DATA_UNFIT, MR_MODEL_TOO_LARGE
 */
export function selectModel(train: CsrMatrix, options: SelectOptions): Selected {
  const { candidates, k, random, maxBytes, effort, onTrial } = options;
  const { tried, leftOut } = within(candidates, train, maxBytes);
  const part = holdOut(train, SHARE, random);
  if (part.cases.length === 0)
    throw new MillraceError(
      'MR_MODEL_DATA_UNFIT',
      'no user has two items, so nothing can be held out to choose a model by',
      { context: { users: train.rows, items: train.columns } },
    );
  const cases = sample(part.cases, MAX_CASES, random);
  const itemCounts = rowCounts(transpose(part.train));
  const evaluation = { train: part.train, itemCounts, fallback: fitPopular(part.train), k };
  let best: Omit<Selected, 'leftOut'> | undefined;
  for (const { name, choose } of tried) {
    const value = (fit: FitScorer): number => {
      const model = fit(part.train);
      const { ndcg } = evaluateRanking(model, cases, evaluation);
      onTrial?.({ candidate: name, model: model.name, value: ndcg });
      return ndcg;
    };
    const chosen = choose({ value, random, effort });
    if (best === undefined || chosen.value > best.value) best = { candidate: name, ...chosen };
  }
  if (best === undefined) throw tooLarge(leftOut);
  return { ...best, leftOut };
}

function within(candidates: readonly Candidate[], train: CsrMatrix, maxBytes: number) {
  const tried: Candidate[] = [];
  const leftOut: { candidate: string; reason: string }[] = [];
  for (const candidate of candidates) {
    const { name, bytes, maxItems = Number.POSITIVE_INFINITY } = candidate;
    const needed = bytes(train);
    if (needed > maxBytes)
      leftOut.push({ candidate: name, reason: `takes ${megabytes(needed)} of ${megabytes(maxBytes)}` });
    else if (candidates.length > 1 && train.columns > maxItems)
      leftOut.push({ candidate: name, reason: `is for up to ${maxItems} items, not ${train.columns}` });
    else tried.push(candidate);
  }
  return { tried, leftOut };
}

function tooLarge(leftOut: Selected['leftOut']): MillraceError {
  const reasons = leftOut.map(({ candidate, reason }) => `${candidate} ${reason}`).join('; ');
  return new MillraceError('MR_MODEL_TOO_LARGE', `no model can be trained: ${reasons}`);
}

function sample(cases: readonly RankingCase[], count: number, random: () => number): readonly RankingCase[] {
  if (cases.length <= count) return cases;
  const left = [...cases];
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]).filter(
    (one) => one !== undefined,
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
