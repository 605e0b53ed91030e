/**
 * # 1. A first topology
 *
 * A topology says which topics are read, what is made of their records, and where the results go. It is a value: nothing
 * runs while it is built. It can be printed, drawn, driven in a test, or handed to the runner (`millrace start`).
 *
 * The words are those of Kafka Streams and Flink: a *stream* is an unbounded sequence of values with keys, a *table* is
 * the latest value of each key, a *window* groups values by time, a *sink* is where values leave.
 *
 * Each chapter is a test: `npx vitest run --project unit docs/streams`.
 */
import { expect, test } from 'vitest';
import { count, sum } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { tumbling, type WindowResult } from '../../processors/runtime/windows/index.ts';
import { at, lines } from './times-of-day.ts';

/** What the shop's tills send to the topic `sales`, under the name of the till. */
interface Sale {
  readonly item: string;
  readonly cents: number;
  readonly time: number;
}

const sales = json<Sale>();

/** How many sales above one euro each till had in each minute, and what they brought. */
function salesByMinute() {
  const app = topology('till-report');
  app
    // A topic is read with a codec. `eventTimeOf` says when a value happened; chapter 3 tells what for.
    .stream('sales', { codec: sales, eventTimeOf: (sale) => sale.time })
    .filter((sale) => sale.cents > 100)
    .window(tumbling({ sizeMs: 60_000 }))
    // State has a name: it is found again by it after a restart. One aggregator for each field of the result.
    .aggregate('by-minute', { sales: count(), cents: sum((sale) => sale.cents) })
    .to(toTopic('till-minutes'));
  // `build` checks the whole and throws one error that names every fault (chapter 15).
  return app.build();
}

test('a topology is driven without Kafka and without waiting', async () => {
  // The driver runs all tasks over a log in memory. Its clock is the test's, and begins here.
  const driver = await driveTopology(salesByMinute(), { startMs: at('12:00:00') });
  const sell = (till: string, item: string, cents: number, time: string) =>
    driver.send('sales', { item, cents, time: at(time) }, { key: till, codec: sales });

  await sell('till-1', 'bread', 350, '10:00:05');
  await sell('till-1', 'gum', 50, '10:00:10');
  await sell('till-2', 'wine', 1200, '10:00:20');
  await sell('till-1', 'cheese', 900, '10:00:59');
  // The minute is not over: nothing has been said. A result comes once, when its window is complete.
  expect(driver.read('till-minutes', json())).toEqual([]);

  // What happens in the next minute says that the first is over.
  await sell('till-2', 'bread', 350, '10:01:02');
  type Minute = WindowResult<{ sales: number; cents: number }>;
  expect(lines(driver.read('till-minutes', json<Minute>()))).toEqual([
    '10:00:00–10:01:00 till-1 {"sales":2,"cents":1250} watermark',
    '10:00:00–10:01:00 till-2 {"sales":1,"cents":1200} watermark',
  ]);
  // `read` hands out what is new since the last call.
  expect(driver.read('till-minutes', json())).toEqual([]);

  // Nobody buys any more. The last minute closes all the same, by the clock, and says so.
  await driver.advanceClock(70_000);
  expect(lines(driver.read('till-minutes', json<Minute>()))).toEqual([
    '10:01:00–10:02:00 till-2 {"sales":1,"cents":350} idle',
  ]);
});

test('a topology describes itself, as text and as a Mermaid flowchart', () => {
  const made = salesByMinute();
  // Each part has a number; an arrow says what it feeds. A *sub-topology* is what lies between topics: it runs as one
  // task for each partition of the topics that it reads.
  expect(made.describe()).toBe(`Topology till-report
  Sub-topology sales
    sales (json) → #1
    #1 filter → #2
    #2 tumbling(60000) by-minute → #3
    #3 topic till-minutes`);
  expect(made.mermaid()).toBe(`flowchart LR
  t0(["sales"])
  subgraph s0 ["sales"]
    n1["filter"]
    n2[("tumbling(60000) by-minute")]
    n3>"topic till-minutes"]
  end
  t0 --> n1
  n1 --> n2
  n2 --> n3
`);
});

test('a stream may go on to several places', async () => {
  const app = topology('fan-out');
  const all = app.stream('sales', { codec: sales, eventTimeOf: (sale) => sale.time });
  all.map((sale) => sale.item.toUpperCase()).to(toTopic('items'));
  // `flatMap` makes any number of values of one.
  all.flatMap((sale) => (sale.cents >= 1000 ? [sale.item, `look at ${sale.item}`] : [])).to(toTopic('dear'));
  // Without a window, `aggregate` runs over all time and makes a table: it says the new total after each value.
  all
    .aggregate(
      'total',
      sum((sale: Sale) => sale.cents),
    )
    .to(toTopic('totals'));

  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  const to = { key: 'till-1', codec: sales };
  await driver.send('sales', { item: 'wine', cents: 1200, time: at('10:00:00') }, to);
  await driver.send('sales', { item: 'bread', cents: 350, time: at('10:00:01') }, to);

  const read = (topic: string) => driver.read(topic, json()).map(({ value }) => value);
  expect(read('items')).toEqual(['WINE', 'BREAD']);
  expect(read('dear')).toEqual(['wine', 'look at wine']);
  expect(read('totals')).toEqual([1200, 1550]);
});
