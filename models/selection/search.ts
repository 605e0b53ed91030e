/** A hyper-parameter that the search may set. */
export interface Dimension {
  readonly from: number;
  readonly to: number;
  /** Whether factors count and not differences; needs `from` above 0. */
  readonly isLogarithmic?: boolean;
}

export type Space = Readonly<Record<string, Dimension>>;
export type Point<S extends Space> = { readonly [name in keyof S]: number };

export interface SearchOptions<S extends Space> {
  readonly space: S;
  /** Tried first, in this order. */
  readonly seeds: readonly Point<S>[];
  /** How often the objective may be asked, the seeds included. */
  readonly budget: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** To be made as large as possible. */
  readonly objective: (point: Point<S>) => number;
}

export interface Found<S extends Space> {
  readonly point: Point<S>;
  readonly value: number;
}

const FIRST_STEP = 0.25;
const SMALLEST_STEP = 0.01;

/**
 * Local search with steps that adapt: a (1+1) evolution strategy with the one-fifth rule (Rechenberg 1973; Kern et al.,
 * Natural Computing 2004), from the best of the seeds. A step that helps is followed by a wider one, one that does not by a
 * narrower one. The same draws give the same result.
 */
export function search<S extends Space>({
  space,
  seeds,
  budget,
  random,
  objective,
}: SearchOptions<S>): Found<S> {
  let best: Found<S> | undefined;
  const ask = (point: Point<S>): boolean => {
    const value = objective(point);
    const isBetter = best === undefined || value > best.value;
    if (isBetter) best = { point, value };
    return isBetter;
  };
  let asked = 0;
  for (const seed of seeds.slice(0, Math.max(1, budget))) {
    ask(seed);
    asked += 1;
  }
  let step = FIRST_STEP;
  for (; asked < budget && best !== undefined; asked++) {
    const isBetter = ask(neighbour(best.point, { space, step, random }));
    step = Math.min(1, Math.max(SMALLEST_STEP, step * (isBetter ? 1.5 : 0.9)));
  }
  if (best === undefined) throw new RangeError('a search needs at least one point to begin with');
  return best;
}

function neighbour<S extends Space>(
  point: Point<S>,
  { space, step, random }: Pick<SearchOptions<S>, 'space' | 'random'> & { readonly step: number },
): Point<S> {
  const names = Object.keys(space) as (keyof S)[];
  const moved = names.map((name) => {
    const dimension = space[name] as Dimension;
    const at = placeOf(point[name], dimension) + step * normal(random);
    return [name, valueAt(Math.min(1, Math.max(0, at)), dimension)] as const;
  });
  return Object.fromEntries(moved) as Point<S>;
}

/** Where a value is between the bounds: 0 to 1. */
function placeOf(value: number, { from, to, isLogarithmic }: Dimension): number {
  if (from === to) return 0;
  return isLogarithmic === true ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
}

function valueAt(place: number, { from, to, isLogarithmic }: Dimension): number {
  return isLogarithmic === true ? from * (to / from) ** place : from + place * (to - from);
}

/** Box and Muller 1958. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
