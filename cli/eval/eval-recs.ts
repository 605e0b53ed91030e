import { freemem } from 'node:os';
import { MillraceError } from '../../platform/errors.ts';
import { createRandom } from '../../platform/random.ts';
import { findDataFile, readLines } from '../../ingest/replay/data-file.ts';
import { fitPopular } from '../../models/collaborative/popular.ts';
import { evaluateRanking, type RankingCase } from '../../models/evaluation/evaluate-ranking.ts';
import { parseInteractions, type Interactions } from '../../models/interactions/parse-interactions.ts';
import { CANDIDATES } from '../../models/selection/candidates.ts';
import { selectModel } from '../../models/selection/select-model.ts';
import { rowCounts, rowOf, transpose } from '../../models/sparse/csr-matrix.ts';
import { Progress } from '../progress.ts';

export interface EvalRecsOptions {
  readonly train: string;
  readonly test: string;
  /** Name of a candidate, or `auto`. */
  readonly model: string;
  readonly k: number;
  readonly seed: number;
  readonly effort: number;
  readonly note: (line: string) => void;
}

export interface EvalRecsResult {
  readonly model: string;
  readonly users: number;
  readonly items: number;
  readonly recallAtK: number;
  readonly ndcgAtK: number;
  readonly mrrAtK: number;
  readonly mapAtK: number;
  readonly coverage: number;
  readonly novelty: number;
  readonly popularityBias: number;
  readonly fitSeconds: number;
  readonly scoreSeconds: number;
  readonly peakRssMb: number;
}

/** Of the memory that is free, so much may be used to train. */
const MEMORY_SHARE = 0.7;

/**
 * Chooses and trains a model on one file and says what its lists are worth on another. All items are ranked, those that a
 * user has in the training file are left out.
 * @throws MillraceError MR_MODEL_DATA_EMPTY, MR_MODEL_DATA_INVALID, MR_MODEL_DATA_UNFIT, MR_MODEL_TOO_LARGE, MR_REPLAY_*
 */
export async function evalRecs(options: EvalRecsOptions): Promise<EvalRecsResult> {
  const { k, note } = options;
  const train = await read(options.train, note);
  const { matrix } = train;
  const cases = casesOf(train, await read(options.test, note), { options, note });
  const startedMs = performance.now();
  const fit = choose(train, options);
  const model = fit(matrix);
  const fittedMs = performance.now();
  const itemCounts = rowCounts(transpose(matrix));
  const progress = new Progress('ranking', { unit: 'users', total: cases.length });
  const report = evaluateRanking(model, cases, {
    ...{ train: matrix, itemCounts, fallback: fitPopular(matrix), k },
    onCase: (done) => {
      progress.update(done);
    },
  });
  progress.finish(cases.length);
  return {
    ...{ model: model.name, users: report.cases, items: matrix.columns },
    ...{ recallAtK: round(report.recall, 4), ndcgAtK: round(report.ndcg, 4) },
    ...{ mrrAtK: round(report.reciprocalRank, 4), mapAtK: round(report.averagePrecision, 4) },
    ...{ coverage: round(report.coverage, 4), novelty: round(report.novelty, 2) },
    popularityBias: round(report.popularityBias, 2),
    fitSeconds: round((fittedMs - startedMs) / 1000, 1),
    scoreSeconds: round((performance.now() - fittedMs) / 1000, 1),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function choose({ matrix }: Interactions, options: EvalRecsOptions) {
  const { model, k, seed, effort, note } = options;
  const candidates = model === 'auto' ? CANDIDATES : CANDIDATES.filter(({ name }) => name === model);
  const random = createRandom(seed, 'select a model');
  const progress = new Progress('choosing', { unit: 'trials' });
  let trials = 0;
  const { candidate, value, leftOut, fit } = selectModel(matrix, {
    ...{ candidates, k, effort, random: () => random.next(), maxBytes: freemem() * MEMORY_SHARE },
    onTrial: (trial) => {
      progress.update(++trials, `${trial.model}: ${trial.value.toFixed(4)}`);
    },
  });
  progress.finish(trials);
  for (const one of leftOut) note(`left out: ${one.candidate} ${one.reason}`);
  note(`chosen: ${candidate}, NDCG@${k} ${value.toFixed(4)} on what was held out of the training data`);
  return fit;
}

async function read(path: string, note: (line: string) => void): Promise<Interactions> {
  const interactions = await parseInteractions(linesOf(findDataFile(path, [])), path);
  const { users, items, matrix, repeated } = interactions;
  const said = repeated > 0 ? `, ${repeated} repeated pairs counted once` : '';
  note(`${path}: ${users.length} users, ${items.length} items, ${matrix.indices.length} pairs${said}`);
  return interactions;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  for await (const lines of readLines(path)) yield* lines;
}

/** Users of the test file with what they took, as the training file numbers it. */
function casesOf(
  train: Interactions,
  test: Interactions,
  { options, note }: { readonly options: EvalRecsOptions; readonly note: (line: string) => void },
): readonly RankingCase[] {
  const users = new Map(train.users.map((id, row) => [id, row]));
  const items = new Map(train.items.map((id, column) => [id, column]));
  const columns = test.items.map((id, index) => items.get(id) ?? train.items.length + index);
  const cases = test.users.flatMap((id, row): RankingCase[] => {
    const relevant = new Set([...rowOf(test.matrix, row)].map((column) => columns[column] ?? -1));
    return relevant.size === 0 ? [] : [{ user: users.get(id), relevant }];
  });
  const unknownUsers = cases.filter(({ user }) => user === undefined).length;
  const unknownItems = columns.filter((column) => column >= train.items.length).length;
  if (unknownItems === columns.length)
    throw new MillraceError(
      'MR_MODEL_DATA_UNFIT',
      `no item of ${options.test} is in ${options.train}: nothing can be recommended rightly`,
      { context: { items: columns.length } },
    );
  if (unknownUsers > 0) note(`${unknownUsers} users are not in ${options.train}: they get what is popular`);
  if (unknownItems > 0) note(`${unknownItems} items are not in ${options.train}: no model can find them`);
  return cases;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
