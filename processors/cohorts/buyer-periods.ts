/** Purchases of one buyer by month and week, and what a purchase changes in the cohorts. Pure. */

export type Granularity = 'month' | 'week';

/** Periods that a cohort is followed for; what comes after says nothing of it. */
export const MAX_PERIODS: Readonly<Record<Granularity, number>> = { month: 36, week: 52 };

export interface Totals {
  readonly orders: number;
  /** Ordered, minor units by currency. */
  readonly minor: Readonly<Record<string, number>>;
}

/** By the number of the period. */
export type Periods = Readonly<Record<number, Totals>>;

export interface Purchase {
  readonly currency: string;
  readonly amountMinor: number;
}

/** What a cell of a cohort gains or loses. */
export interface CellChange extends Totals {
  /** Period of the first purchase of those in the cohort. */
  readonly cohort: number;
  /** Periods since then. */
  readonly offset: number;
  readonly buyers: number;
}

export interface PeriodsChange {
  readonly periods: Periods;
  readonly cells: readonly CellChange[];
}

/**
 * The periods of a buyer after a purchase, and the change of the cells of the buyer's cohort. A purchase from before the
 * first one known moves the buyer to another cohort: then all that the buyer did leaves the old cells for new ones. Purchases
 * may come in any order.
 */
export function withPurchase(
  before: Periods,
  period: number,
  purchase: Purchase,
  maxPeriods: number,
): PeriodsChange {
  const cohortBefore = cohortOf(before);
  const cohort = Math.min(cohortBefore ?? period, period);
  if (period - cohort >= maxPeriods) return { periods: before, cells: [] };
  const gain: Totals = { orders: 1, minor: { [purchase.currency]: purchase.amountMinor } };
  const known = before[period];
  const added = { ...before, [period]: known === undefined ? gain : plus(known, gain) };
  if (cohort === cohortBefore) {
    const buyers = known === undefined ? 1 : 0;
    return { periods: added, cells: [{ cohort, offset: period - cohort, buyers, ...gain }] };
  }
  // What has become too far from the first purchase never comes nearer again.
  const periods = Object.fromEntries(
    Object.entries(added).filter(([number]) => Number(number) - cohort < maxPeriods),
  );
  return { periods, cells: [...cellsOf(before).map(negated), ...cellsOf(periods)] };
}

/** The cells of one buyer. */
export function cellsOf(periods: Periods): readonly CellChange[] {
  const cohort = cohortOf(periods);
  if (cohort === undefined) return [];
  return Object.entries(periods).map(([period, totals]) => ({
    cohort,
    offset: Number(period) - cohort,
    buyers: 1,
    ...totals,
  }));
}

function cohortOf(periods: Periods): number | undefined {
  const numbers = Object.keys(periods).map(Number);
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

function negated({ minor, ...cell }: CellChange): CellChange {
  return {
    ...cell,
    buyers: -cell.buyers,
    orders: -cell.orders,
    minor: Object.fromEntries(Object.entries(minor).map(([currency, amount]) => [currency, -amount])),
  };
}

export function plus(a: Totals, b: Totals): Totals {
  const minor: Record<string, number> = { ...a.minor };
  for (const [currency, amount] of Object.entries(b.minor))
    minor[currency] = (Object.hasOwn(minor, currency) ? (minor[currency] ?? 0) : 0) + amount;
  return { orders: a.orders + b.orders, minor };
}
