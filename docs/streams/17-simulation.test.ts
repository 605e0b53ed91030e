/**
 * # 17. Through faults, before production does it
 *
 * `simulate(topology, seed, options)` runs a topology as it would run: several processes with the product's own runner,
 * state and Kafka client, against brokers that keep to Kafka's rules, on a clock of its own. Meanwhile things go wrong.
 * Processes are killed, stand still until their sessions have ended, leave and come back, have clocks that jump; brokers
 * stop, leaders and coordinators move, requests get lost before or after they were carried out or arrive when nobody waits
 * any more; tables and the online store are away, slow, or do not answer what they have done. Then everything is mended.
 *
 * Faults come from the seed, and so does everything else: the same seed is the same run on every machine, to the last
 * step. In the end, what was said must be what the topology says of the same log when nothing goes wrong. Ten seconds of
 * traffic take a fraction of one, so a unit test has room for dozens of seeds.
 *
 * Flink and Kafka Streams are tested like this by their authors (flink-jepsen, the system tests of Kafka), and so is
 * RisingWave (madsim). Here your own topology is.
 */
import { describe, expect, test } from 'vitest';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import {
  toOnline,
  topology,
  toTopic,
  toWindowTable,
  type NodeContext,
  type Push,
} from '../../processors/runtime/dsl/index.ts';
import { simulate, simulateSeeds, type SimulatedInput } from '../../processors/runtime/simulation/index.ts';
import { onUpdate, tumbling } from '../../processors/runtime/windows/index.ts';
import { at, clock } from './times-of-day.ts';

interface Sale {
  readonly item: string;
  readonly time: number;
}

const sales = json<Sale>();
const START_MS = at('12:00:00');

/**
 * Sales of a few items, four a second for three seconds. The last ones are so much later that every window closes; there
 * is one for each partition, since each has a time of its own.
 */
function input(): readonly SimulatedInput[] {
  const record = (item: string, atMs: number, timeMs = atMs): SimulatedInput => ({
    topic: 'sales',
    key: item,
    value: sales.encode({ item, time: START_MS + timeMs }),
    atMs,
  });
  const items = ['tea', 'cups', 'sugar'];
  return [
    ...Array.from({ length: 12 }, (_, n) => record(items[n % 3] ?? '', 200 + n * 250)),
    ...[0, 1].map((partition) => ({ ...record('end', 4000, 60_000), partition })),
  ];
}

const salesOf = (app: ReturnType<typeof topology>) =>
  app.stream('sales', { codec: sales, eventTimeOf: ({ time }) => time });

/** Sales of each item by second into a table, and its best second into the online store. */
function salesBySecond() {
  const app = topology('shop');
  const seconds = salesOf(app)
    .window(tumbling({ sizeMs: 1000 }))
    .aggregate('second', count(), onUpdate());
  seconds.to(
    toWindowTable('sales_second', ({ key, windowStartMs, value }) => ({
      second: clock(windowStartMs),
      item: key,
      sales: value,
    })),
  );
  seconds.filter(({ reason }) => reason === 'watermark').to(toTopic('seconds'));
  return app.build();
}

describe('a topology that keeps its state in stores', () => {
  test('says the same whatever happens', async () => {
    await simulateSeeds(
      salesBySecond,
      { count: 12 },
      {
        input: input(),
        startMs: START_MS,
        // Rows with equal ones of these replace each other, as the ORDER BY of the table says.
        rowKeys: { sales_second: ['second', 'item'] },
      },
    );
  });

  test('a run tells what happened in it, and is the same each time', async () => {
    const options = { input: input(), startMs: START_MS, rowKeys: { sales_second: ['second', 'item'] } };
    const one = await simulate(salesBySecond(), 3, options);
    const other = await simulate(salesBySecond(), 3, options);
    expect(one.problems).toEqual([]);
    expect(one.faults.length).toBeGreaterThan(1);
    expect([other.steps, other.virtualMs, other.faults]).toEqual([one.steps, one.virtualMs, one.faults]);
    // Without faults it takes fewer steps.
    const calm = await simulate(salesBySecond(), 3, { ...options, faults: [] });
    expect(calm.faultsInjected).toBe(0);
    expect(calm.problems).toEqual([]);
  });
});

describe('a topology that does not', () => {
  /** Counts in a variable: it is gone when its task moves, and wrong when its transaction is aborted. */
  function forgetful() {
    const app = topology('shop');
    salesOf(app)
      .process<number>('count', (_context: NodeContext, emit: Push<number>) => {
        const counts = new Map<string, number>();
        return ({ item }, meta) => {
          const next = (counts.get(item) ?? 0) + 1;
          counts.set(item, next);
          emit(next, meta);
        };
      })
      .to(toTopic('counts'));
    return app.build();
  }

  test('is found out, and told with the fewest faults that it takes', async () => {
    // With two processes it takes no fault at all: the second one joins, and tasks move.
    const options = { input: input(), startMs: START_MS, instances: 1 };
    const found = simulateSeeds(forgetful, { count: 20 }, options);
    await expect(found).rejects.toThrow(/fails with 1 of its \d+ faults:\n +\d+ ms/);
    await expect(found).rejects.toThrow(/wrong: record in counts (too often|missing)/);
  });

  test('exactly these faults', async () => {
    const kill = { kind: 'kill', atMs: 1500, instance: 0, awayMs: 100 } as const;
    const options = { input: input(), startMs: START_MS, instances: 1, faults: [kill] };
    const report = await simulate(forgetful(), 1, options);
    expect(report.problems.join('\n')).toMatch(/record in counts too often: tea: 1/);
  });
});

describe('a topology whose results depend on the clock', () => {
  /** Tells how many sales each item had, in the online store, once nothing was heard of it for a second. */
  function afterSilence() {
    const app = topology('shop');
    salesOf(app)
      .process<string>('silence', (context, emit) => {
        const counts = context.store<number>('counts');
        const silence = context.clockTimers('silence', (item) =>
          emit(String(counts.get(item) ?? 0), {
            key: item,
            eventTimeMs: context.now(),
            ingestTimeMs: context.now(),
            position: undefined,
          }),
        );
        return ({ item }) => {
          counts.set(item, (counts.get(item) ?? 0) + 1);
          silence.set(item, context.now() + 1000);
        };
      })
      .to(toOnline('sold', (count, { key }) => ({ key: `sold:${key ?? ''}`, value: count, ttlMs: 60_000 })));
    return app.build();
  }

  test('is held to what must be true all the same', async () => {
    await simulateSeeds(
      afterSilence,
      { count: 6 },
      {
        input: input(),
        startMs: START_MS,
        check: ({ online }) => {
          // Each item was sold four times. How many were known at the first silence depends on what went wrong.
          const sold = ['tea', 'cups', 'sugar'].map((item) => Number(online.get(`sold:${item}`) ?? 0));
          return sold.every((number) => number <= 4) ? [] : [`sold ${sold.join(', ')}`];
        },
      },
    );
  });
});
