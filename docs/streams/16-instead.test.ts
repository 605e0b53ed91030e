/**
 * # 16. What the DSL does not have, and what to do instead
 *
 * Some things that Kafka Streams or Flink have a word for take a few lines here. What a line of conformance.md calls
 * `no` is in this chapter, with the way to come to the same result.
 */
import { expect, test } from 'vitest';
import { count, sum } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { at } from './times-of-day.ts';

test('no foreign-key or global join: bring the stream to the key of the table', async () => {
  interface Sale {
    readonly item: string;
    readonly pieces: number;
  }
  const sales = json<Sale>();
  const prices = json<number>();
  const app = topology('shop');
  // Sales are keyed by order, prices by item. The new key costs a way through Kafka, and no copy of the table.
  app
    .stream('sales', { codec: sales })
    .map((sale, { key }) => ({ ...sale, order: key ?? '' }))
    .keyBy('item')
    .joinTable(app.table('prices', { codec: prices }), {
      name: 'priced',
      with: ({ order, pieces }, euros) => ({ order, euros: pieces * euros }),
    })
    .keyBy('order')
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00'), partitions: 3 });
  await driver.send('prices', 50, { key: 'shoes', codec: prices });
  await driver.send('prices', 20, { key: 'hats', codec: prices });
  await driver.send('sales', { item: 'shoes', pieces: 2 }, { key: 'order-1', codec: sales });
  await driver.send('sales', { item: 'hats', pieces: 1 }, { key: 'order-2', codec: sales });
  expect(driver.read('out', json()).map(({ key, value }) => [key, value])).toEqual([
    ['order-1', { order: 'order-1', euros: 100 }],
    ['order-2', { order: 'order-2', euros: 20 }],
  ]);
});

test('no table grouped under another key: say what each change takes away and what it adds', async () => {
  interface Part {
    readonly country: string;
    readonly by: number;
  }
  const users = json<string>();
  const app = topology('users');
  // A compacted topic: the country of each user.
  app
    .table('countries', { codec: users })
    .toStream()
    .process<Part>('moves', (context, emit) => {
      const known = context.store<string>('known');
      return (country, meta) => {
        if (meta.key === null) return;
        const before = known.get(meta.key);
        if (before !== undefined) emit({ country: before, by: -1 }, meta);
        if (country !== null) emit({ country, by: 1 }, meta);
        if (country === null) known.delete(meta.key);
        else known.set(meta.key, country);
      };
    })
    .keyBy('country')
    .aggregate('users-by-country', { users: sum(({ by }) => by) })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const [user, country] of [
    ['ann', 'DE'],
    ['bob', 'DE'],
    ['ann', 'FR'],
    ['bob', null],
  ] as const)
    await driver.send('countries', country, { key: user, codec: users });
  const latest = new Map(driver.read('out', json()).map(({ key, value }) => [key, value]));
  expect([...latest]).toEqual([
    ['DE', { users: 0 }],
    ['FR', { users: 1 }],
  ]);
});

test('no trigger of one’s own: a handler that counts says when', async () => {
  // Says the sum of each key as soon as it passes 100, and begins again.
  const numbers = json<number>();
  const app = topology('trigger');
  app
    .stream('numbers', { codec: numbers })
    .process<number>('over-100', (context, emit) => {
      const sums = context.store<number>('sums');
      return (number, meta) => {
        if (meta.key === null) return;
        const total = (sums.get(meta.key) ?? 0) + number;
        if (total > 100) emit(total, meta);
        sums.set(meta.key, total > 100 ? 0 : total);
      };
    })
    .to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const number of [60, 30, 20, 99, 2])
    await driver.send('numbers', number, { key: 'k', codec: numbers });
  expect(driver.read('out', numbers).map(({ value }) => value)).toEqual([110, 101]);
});

test('no branches: filter the same stream once for each', async () => {
  const numbers = json<number>();
  const app = topology('branches');
  const all = app.stream('numbers', { codec: numbers });
  all.filter((n) => n >= 0).to(toTopic('positive'));
  all
    .filter((n) => n < 0)
    .aggregate('negative', count())
    .to(toTopic('negatives'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const number of [1, -2, 3, -4]) await driver.send('numbers', number, { key: 'k', codec: numbers });
  expect(driver.read('positive', numbers).map(({ value }) => value)).toEqual([1, 3]);
  expect(driver.read('negatives', numbers).map(({ value }) => value)).toEqual([1, 2]);
});
