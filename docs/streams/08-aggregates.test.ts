/**
 * # 8. Aggregates
 *
 * An aggregator folds values into an accumulator. It takes a *selector*, which reads from a value what is to be
 * aggregated; `undefined` skips the value. Values may come in any order and be split over slices and sessions that are
 * merged later: the result is the same, or within the bound that the aggregator states.
 *
 * A record of aggregators is one aggregator, with a result for each field.
 */
import { describe, expect, test } from 'vitest';
import {
  collect,
  count,
  countIf,
  custom,
  distinct,
  distinctApproximate,
  first,
  last,
  max,
  mean,
  min,
  quantiles,
  sum,
  topK,
  variance,
} from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic, type Stream, type Table } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { at } from './times-of-day.ts';

interface Sale {
  readonly item: string;
  readonly euros: number;
  readonly buyer?: string;
  readonly time: number;
}

const sales = json<Sale>();

/** Runs sales of one shop through what is made of them; the last result. */
async function lastOf(make: (sales: Stream<Sale>) => Table<unknown>, all: readonly Sale[]) {
  const app = topology('shop');
  make(app.stream('sales', { codec: sales, eventTimeOf: ({ time }) => time })).to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const sale of all) await driver.send('sales', sale, { key: 'shop', codec: sales });
  return { result: driver.read('out', json()).at(-1)?.value, driver };
}

const DAY: readonly Sale[] = [
  { item: 'bread', euros: 3, buyer: 'ann', time: at('10:00:00') },
  { item: 'wine', euros: 12, buyer: 'bob', time: at('10:00:02') },
  { item: 'bread', euros: 3, time: at('10:00:01') },
  { item: 'cheese', euros: 9, buyer: 'ann', time: at('10:00:03') },
];

test('exact aggregates, each a field of one result', async () => {
  const euros = (sale: Sale) => sale.euros;
  const time = (sale: Sale) => sale.time;
  const { result } = await lastOf(
    (all) =>
      all.aggregate('total', {
        sales: count(),
        dear: countIf((sale) => sale.euros > 5),
        // Exact for integers, compensated for other numbers: 0.1 added ten times is 1.
        euros: sum(euros),
        mean: mean(euros),
        least: min(euros),
        most: max(euros),
        // Mean, variance and standard deviation of the population, by Welford's method.
        spread: variance(euros),
        // A sale without a buyer is skipped here, and counts in the other fields.
        buyers: distinct((sale) => sale.buyer),
        // By event time, not by arrival.
        opened: first((sale) => sale.item, time),
        latest: last((sale) => sale.item, time),
        lastTwo: collect((sale) => sale.item, { max: 2, atMs: time }),
      }),
    DAY,
  );
  expect(result).toEqual({
    sales: 4,
    dear: 2,
    euros: 27,
    mean: 6.75,
    least: 3,
    most: 12,
    spread: { count: 4, mean: 6.75, variance: 15.1875, standardDeviation: Math.sqrt(15.1875) },
    buyers: 2,
    opened: 'bread',
    latest: 'cheese',
    lastTwo: ['wine', 'cheese'],
  });
});

describe('sketches take bounded room and state their error', () => {
  /** Feeds an aggregator without a topology: it is a value with `init`, `add`, `merge` and `result`. */
  function fold<V, A, R>(of: { init(): A; add(a: A, v: V): A; result(a: A): R }, values: Iterable<V>): R {
    let accumulator = of.init();
    for (const value of values) accumulator = of.add(accumulator, value);
    return of.result(accumulator);
  }
  const numbers = Array.from({ length: 20_000 }, (_, n) => n + 1);

  test('how many different: HyperLogLog, standard error 1.04/√(2^precision)', () => {
    const of = distinctApproximate((n: number) => `visitor-${n}`, { precision: 14 });
    const estimate = fold(of, numbers);
    // 0.8 % for 16 KiB; within four of it in all but one of 15,000 cases. Small sets are counted (almost) exactly.
    expect(Math.abs(estimate - 20_000) / 20_000).toBeLessThan((4 * 1.04) / Math.sqrt(2 ** 14));
    expect(fold(of, numbers.slice(0, 1000))).toBe(1000);
  });

  test('quantiles: DDSketch, within a relative error of the true one', () => {
    const [median, p99, most] = fold(
      quantiles((n: number) => n, [0.5, 0.99, 1], { relativeError: 0.01 }),
      numbers,
    );
    expect(Math.abs(median! - 10_000) / 10_000).toBeLessThan(0.0101);
    expect(Math.abs(p99! - 19_800) / 19_800).toBeLessThan(0.0101);
    // The extremes are exact.
    expect(most).toBe(20_000);
  });

  test('the most frequent: SpaceSaving, each count at most `error` too high, and error ≤ values/capacity', () => {
    // Item n comes 100 − n times.
    const items = Array.from({ length: 100 }, (_, n) => Array<string>(100 - n).fill(`item-${n}`)).flat();
    const top = fold(
      topK((item: string) => item, { k: 3, capacity: 200 }),
      items,
    );
    // Enough counters for all items: exact.
    expect(top.map(({ item, count: times, error }) => [item, times, error])).toEqual([
      ['item-0', 100, 0],
      ['item-1', 99, 0],
      ['item-2', 98, 0],
    ]);
    const [few] = fold(
      topK((item: string) => item, { k: 1, capacity: 20 }),
      items,
    );
    expect(few!.error).toBeLessThanOrEqual(items.length / 20);
  });
});

test('one of your own: say how to begin, add, merge and what the result is', async () => {
  /** Share of sales that were above ten euros. `layout` names the accumulator: change it with its shape. */
  const dearShare = custom<Sale, { dear: number; all: number }, number>({
    layout: 'dear-share',
    init: () => ({ dear: 0, all: 0 }),
    add: (share, sale) => ({ dear: share.dear + (sale.euros > 10 ? 1 : 0), all: share.all + 1 }),
    merge: (into, other) => ({ dear: into.dear + other.dear, all: into.all + other.all }),
    result: ({ dear, all }) => dear / all,
  });
  const { result, driver } = await lastOf(
    (all) => all.aggregate('total', { share: dearShare, sales: count() }),
    DAY,
  );
  expect(result).toEqual({ share: 0.25, sales: 4 });
  // The layout is written with the state, and state of another layout is refused (chapter 12).
  expect(driver.task('sales').state.describe()[0]?.layout).toBe(
    'aggregate/combine(share:custom(dear-share),sales:count)',
  );
});

test('a value that cannot be added is a dead letter, and adds to no field', async () => {
  const { driver } = await lastOf(
    (all) => all.aggregate('total', { sales: count(), euros: sum((sale) => sale.euros) }),
    [DAY[0]!, { ...DAY[1]!, euros: 'twelve' as never }, DAY[3]!],
  );
  expect(driver.read('sales.dlq', sales).map(({ headers }) => headers['mr-code'])).toEqual([
    'MR_PROCESS_STEP_FAILED',
  ]);
  await driver.send('sales', DAY[2]!, { key: 'shop', codec: sales });
  expect(driver.read('out', json()).map(({ value }) => value)).toEqual([{ sales: 3, euros: 15 }]);
});

test('what is wrong with an aggregator is said where it is made', () => {
  expect(() => quantiles((n: number) => n, [1.5])).toThrow(
    'quantiles: a quantile must be from 0 to 1, not 1.5',
  );
  expect(() => topK((n: number) => n, { k: 10, capacity: 5 })).toThrow(
    'topK: k must be an integer from 1 to 5',
  );
});
