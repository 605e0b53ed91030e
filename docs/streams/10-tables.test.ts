/**
 * # 10. Tables
 *
 * A table is the latest value of each key: a compacted topic (`table`, `eventTable`), a stream whose last value counts
 * (`toTable`), or a running aggregate. Its changes flow as absolute values, null where a key has none any more.
 *
 * - `stream.joinTable(table)` adds the row that the key has *now*.
 * - `stream.joinAsOf(table)` adds the row that the key had *when the value happened*: Flink's temporal join, and Kafka
 *   Streams' versioned stores. It is right in a replay too, and for rows that come late.
 * - `table.join(table)` is a table again.
 */
import { describe, expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic, type TopologyBuilder } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { at } from './times-of-day.ts';

interface Sale {
  readonly pieces: number;
  readonly time: number;
}
interface Price {
  readonly euros: number;
  readonly time: number;
}

const sales = json<Sale>();
const prices = json<Price>();
const timeOf = ({ time }: { readonly time: number }) => time;
// A topic may be asked for again: it is read once. It must then be asked for in the same way, with the same functions.
const salesOf = (app: TopologyBuilder) => app.stream('sales', { codec: sales, eventTimeOf: timeOf });
const pricesOf = (app: TopologyBuilder) => app.table('prices', { codec: prices, eventTimeOf: timeOf });

/** Sales and prices of one item. */
async function start(add: (app: TopologyBuilder) => void, outOfOrderMs = 0) {
  const app = topology('shop');
  add(app);
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00'), outOfOrderMs });
  return {
    driver,
    sell: (pieces: number, time: string) =>
      driver.send('sales', { pieces, time: at(time) }, { key: 'shoes', codec: sales }),
    price: (euros: number | null, time: string) =>
      driver.send('prices', euros === null ? null : { euros, time: at(time) }, {
        ...{ key: 'shoes', codec: prices },
        ingestTimeMs: at(time),
      }),
    said: () => driver.read('out', json()).map(({ value }) => value),
  };
}

describe('a stream joined with a table', () => {
  test('gets the present row; values without one are left out, or with `left` kept', async () => {
    const { sell, price, said } = await start((app) => {
      const table = pricesOf(app);
      salesOf(app)
        .joinTable(table, { name: 'priced', with: ({ pieces }, { euros }) => pieces * euros })
        .to(toTopic('out'));
      salesOf(app)
        .joinTable(table, { name: 'all', kind: 'left', with: (_, row) => `price ${row?.euros ?? 'unknown'}` })
        .to(toTopic('out'));
    });
    await sell(1, '10:00:00');
    expect(said()).toEqual(['price unknown']);
    await price(50, '10:01:00');
    // A change of the table says nothing by itself.
    expect(said()).toEqual([]);
    await sell(2, '10:02:00');
    expect(said()).toEqual([100, 'price 50']);
    // A record without a value deletes the row.
    await price(null, '10:03:00');
    await sell(3, '10:04:00');
    expect(said()).toEqual(['price unknown']);
  });
});

describe('an as-of join', () => {
  const revenue = (graceMs: number) => (app: TopologyBuilder) =>
    void salesOf(app)
      .joinAsOf(pricesOf(app), {
        name: 'revenue',
        historyMs: 3_600_000,
        graceMs,
        with: ({ pieces }, { euros }) => pieces * euros,
      })
      .to(toTopic('out'));

  test('gets the row that was valid when the value happened', async () => {
    const { sell, price, said } = await start(revenue(0));
    await price(50, '10:00:00');
    await price(40, '10:30:00');
    await sell(1, '10:29:59');
    await sell(1, '10:30:00');
    // Late by an hour less a second, within the history: still at the price of its time.
    await price(60, '11:00:00');
    await sell(1, '10:15:00');
    expect(said()).toEqual([50, 40, 50]);
  });

  test('with a grace waits for rows that come late', async () => {
    const { driver, sell, price, said } = await start(revenue(60_000));
    await price(50, '10:00:00');
    await sell(1, '10:30:00');
    // The price of 10:29:00 comes half a minute behind the sale.
    await price(40, '10:29:00');
    expect(said()).toEqual([]);
    await driver.advanceClock(120_000);
    expect(said()).toEqual([40]);
  });

  test('calls what is older than the history late', async () => {
    const { driver, sell, price } = await start(revenue(0));
    await price(50, '10:00:00');
    await price(40, '11:30:00');
    await sell(1, '11:30:01');
    await sell(1, '10:15:00');
    expect(driver.read('sales.late', sales)).toHaveLength(1);
  });
});

describe('tables', () => {
  test('joined row by row make a table: a change on either side changes the result, or deletes it', async () => {
    const stocks = json<number>();
    const { driver, price, said } = await start(
      (app) =>
        void pricesOf(app)
          .join(app.table('stocks', { codec: stocks }), {
            name: 'offers',
            with: ({ euros }, pieces) => `${pieces} at ${euros}`,
          })
          .to(toTopic('out')),
    );
    const stock = (pieces: number | null) => driver.send('stocks', pieces, { key: 'shoes', codec: stocks });
    await price(50, '10:00:00');
    expect(said()).toEqual([]);
    await stock(7);
    await price(40, '10:01:00');
    await stock(null);
    expect(said()).toEqual(['7 at 50', '7 at 40', null]);
  });

  test('can be changed and filtered; a row that no longer fits is deleted', async () => {
    const { price, said } = await start(
      (app) =>
        void pricesOf(app)
          .map(({ euros }) => euros)
          .filter((euros) => euros < 100)
          .to(toTopic('out')),
    );
    await price(50, '10:00:00');
    await price(150, '10:01:00');
    expect(said()).toEqual([50, null]);
  });

  test('come of streams too, also under another key, and of running aggregates', async () => {
    // For each sale, how many sales the item has had; then the same item's latest number of pieces as a table.
    const { sell, said } = await start((app) => {
      const counts = salesOf(app).aggregate('sales', count());
      const latest = salesOf(app)
        .toTable('latest')
        .map(({ pieces }) => pieces);
      counts
        .join(latest, { name: 'both', with: (n, pieces) => `sale ${n}, last ${pieces}` })
        .to(toTopic('out'));
    });
    await sell(3, '10:00:00');
    await sell(5, '10:00:01');
    expect(said()).toEqual(['sale 1, last 3', 'sale 2, last 3', 'sale 2, last 5']);
  });
});
