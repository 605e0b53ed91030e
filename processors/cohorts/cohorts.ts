/** Cohorts of buyers by month and week of their first order: who comes back, and what they order. */
import { orderStreams } from '../orders/orders.ts';
import { isOneOf, type NodeContext, type Push, type TopologyBuilder } from '../runtime/dsl/index.ts';
import { firstDayOfMonth, firstDayOfWeek, shopCalendar } from '../shop-calendar.ts';
import {
  MAX_PERIODS,
  plus,
  withPurchase,
  type CellChange,
  type Granularity,
  type Periods,
  type Totals,
} from './buyer-periods.ts';

export interface CohortsOptions {
  /** In which months and weeks begin. */
  readonly timeZone: string;
}

/** What an order says of its buyer. */
interface BuyerOrder {
  readonly buyerId: string;
  readonly currency: string;
  readonly amountMinor: number;
}

interface Buyer {
  readonly month: Periods;
  readonly week: Periods;
}

interface Cell extends Totals {
  readonly buyers: number;
}

/** As long as the rows of table `cohort_retention` live. */
const TTL_MS = 10 * 365 * 86_400_000;
const NEW_BUYER: Buyer = { month: {}, week: {} };
const EMPTY_CELL: Cell = { buyers: 0, orders: 0, minor: {} };
const FIRST_DAY = { month: firstDayOfMonth, week: firstDayOfWeek } as const;

/**
 * Table `cohort_retention`. Every order that was placed counts, whatever becomes of it. Orders of a buyer meet in one task,
 * so that the parts of the tasks add up without counting anybody twice.
 */
export function cohortsJob(app: TopologyBuilder, { timeZone }: CohortsOptions): void {
  orderStreams(app)
    .orders.filter(isOneOf('OrderPlaced'))
    .map(({ buyerId, total }): BuyerOrder => ({ buyerId, ...total }))
    .keyBy('buyerId')
    .repartition('orders-by-buyer')
    .process('cohorts', (context) => cohorts(context, timeZone));
}

function cohorts(context: NodeContext, timeZone: string): Push<BuyerOrder> {
  const dayOf = shopCalendar(timeZone);
  // One who comes back after that counts as new.
  const buyers = context.store<Buyer>('buyers', { ttlMs: TTL_MS });
  const cells = new CohortCells(context);
  return ({ buyerId, currency, amountMinor }, { eventTimeMs }) => {
    const day = dayOf(eventTimeMs);
    const buyer = buyers.get(buyerId) ?? NEW_BUYER;
    const of = (granularity: Granularity) => {
      const change = withPurchase(
        buyer[granularity],
        day[granularity],
        { currency, amountMinor },
        MAX_PERIODS[granularity],
      );
      for (const cell of change.cells) cells.change(granularity, cell);
      return change.periods;
    };
    buyers.set(buyerId, { month: of('month'), week: of('week') });
  };
}

/** The cells of this task, told with each commit in which they have changed. */
class CohortCells {
  readonly #context: NodeContext;
  readonly #cells;
  /** By their keys; with one too many where a step is rolled back. */
  readonly #changed = new Set<string>();

  constructor(context: NodeContext) {
    this.#context = context;
    this.#cells = context.store<Cell>('cohort-cells', { ttlMs: TTL_MS });
    context.attach({ beforeCommit: () => this.#tell() });
  }

  change(granularity: Granularity, { cohort, offset, buyers, ...totals }: CellChange): void {
    const key = `${granularity}|${cohort}|${offset}`;
    const cell = this.#cells.get(key) ?? EMPTY_CELL;
    this.#cells.set(key, { buyers: cell.buyers + buyers, ...plus(cell, totals) });
    this.#changed.add(key);
  }

  #tell(): void {
    for (const key of this.#changed) {
      const cell = this.#cells.get(key);
      if (cell === undefined) continue;
      const [granularity = '', cohort, offset] = key.split('|');
      this.#context.outputs.versionedRow('cohort_retention', {
        granularity,
        cohort: FIRST_DAY[granularity as Granularity](Number(cohort)),
        period: Number(offset),
        buyers: cell.buyers,
        orders: cell.orders,
        ordered_minor: cell.minor,
      });
    }
    this.#changed.clear();
  }
}
