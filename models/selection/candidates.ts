import { easeBytes, fitEase } from '../collaborative/ease.ts';
import { fitItemNeighbours } from '../collaborative/item-neighbours.ts';
import type { FitScorer } from '../collaborative/item-scorer.ts';
import { fitPopular } from '../collaborative/popular.ts';
import type { CsrMatrix } from '../sparse/csr-matrix.ts';
import { search } from './search.ts';

/** A kind of model: how its hyper-parameters are chosen for some data. */
export interface Candidate {
  readonly name: string;
  /** Memory that training takes for so many users and items, bytes. */
  readonly bytes: (train: Pick<CsrMatrix, 'rows' | 'columns'>) => number;
  /** Most items that it is worth its time for; any number where absent. */
  readonly maxItems?: number;
  /** The fit with the best hyper-parameters that the search finds, and what it is worth. */
  readonly choose: (search: SearchContext) => Chosen;
}

export interface Chosen {
  readonly fit: FitScorer;
  readonly value: number;
}

export interface SearchContext {
  /** What a fit is worth on the validation part: the larger, the better. */
  readonly value: (fit: FitScorer) => number;
  readonly random: () => number;
  /** Share of the usual number of trials. */
  readonly effort: number;
}

const NEIGHBOURS = 200;
const BYTES_A_NEIGHBOUR = 8;

const popular: Candidate = {
  name: 'popular',
  bytes: ({ columns }) => 4 * columns,
  choose: ({ value }) => ({ fit: fitPopular, value: value(fitPopular) }),
};

const itemNeighbours: Candidate = {
  name: 'item-item',
  bytes: ({ columns }) => columns * NEIGHBOURS * BYTES_A_NEIGHBOUR,
  choose({ value, random, effort }) {
    type Exponents = {
      readonly userExponent: number;
      readonly fromExponent: number;
      readonly toExponent: number;
      readonly shrink: number;
      readonly neighbours: number;
    };
    const fit =
      ({ shrink, neighbours, ...exponents }: Exponents): FitScorer =>
      (train) =>
        fitItemNeighbours(train, {
          ...{ ...exponents, shrink: Number(shrink.toPrecision(3)) },
          neighbours: Math.min(Math.round(neighbours), Math.max(1, train.columns - 1)),
        });
    const cosine = { userExponent: 0, fromExponent: 0.5, toExponent: 0.5, shrink: 1, neighbours: 100 };
    const { point, value: reached } = search({
      space: {
        ...{ userExponent: { from: 0, to: 1.2 }, fromExponent: { from: 0, to: 1.2 } },
        ...{ toExponent: { from: 0, to: 1 }, shrink: { from: 0.01, to: 100, isLogarithmic: true } },
        neighbours: { from: 10, to: NEIGHBOURS, isLogarithmic: true },
      },
      seeds: [cosine, { ...cosine, userExponent: 0.5 }, { ...cosine, userExponent: 1, fromExponent: 1 }],
      ...{ budget: Math.max(3, Math.round(40 * effort)), random },
      objective: (exponents) => value(fit(exponents)),
    });
    return { fit: fit(point), value: reached };
  },
};

const ease: Candidate = {
  name: 'ease',
  bytes: ({ columns }) => easeBytes(columns),
  maxItems: 6000,
  choose({ value, random, effort }) {
    const fit =
      ({ regularisation }: { readonly regularisation: number }): FitScorer =>
      (train) =>
        fitEase(train, { regularisation: Number(regularisation.toPrecision(3)) });
    const { point, value: reached } = search({
      space: { regularisation: { from: 1, to: 5000, isLogarithmic: true } },
      seeds: [{ regularisation: 100 }, { regularisation: 500 }],
      ...{ budget: Math.max(2, Math.round(12 * effort)), random },
      objective: (options) => value(fit(options)),
    });
    return { fit: fit(point), value: reached };
  },
};

/** From the simplest on. */
export const CANDIDATES: readonly Candidate[] = [popular, itemNeighbours, ease];
