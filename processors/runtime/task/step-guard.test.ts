import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { T0 } from '../../../test/harness/shop-events.ts';
import { count, custom } from '../aggregates/index.ts';
import { json } from '../codec.ts';
import { topology, toTopic, toWindowTable, type Topology } from '../dsl/index.ts';
import { driveTopology, type TopologyDriver } from '../testing/topology-driver.ts';
import { onUpdate, session, tumbling } from '../windows/index.ts';

interface Order {
  readonly t: number;
  readonly amount: number;
}
const IN = 'in';
const codec = json<Order>();
const readsIn = { codec, eventTimeOf: ({ t }: Order) => t };
const DLQ = `${IN}.dlq`;

/** A sum that is changed in place and only then found to be wrong. */
const sumOf = custom<Order, { sum: number }, number>({
  layout: 'sum-of-amounts',
  init: () => ({ sum: 0 }),
  add: (accumulator, { amount }) => {
    accumulator.sum += amount;
    if (amount < 0) throw new RangeError(`the amount ${amount} is negative`);
    return accumulator;
  },
  merge: (into, other) => ({ sum: into.sum + other.sum }),
  result: ({ sum }) => sum,
});

/** Counts before it sums, so that a failing sum leaves something behind if it is not undone. */
function sums(): Topology {
  const app = topology('sums');
  const orders = app.stream(IN, readsIn);
  orders.aggregate('seen', count()).to(toTopic('seen'));
  orders.aggregate('sum', sumOf).to(toTopic('sum'));
  const row = ({ key, windowStartMs, value }: { key: string; windowStartMs: number; value: number }) => ({
    key,
    start: windowStartMs - T0,
    value,
  });
  orders
    .window(tumbling({ sizeMs: 1000, graceMs: 60_000 }))
    .aggregate('by-second', sumOf, onUpdate())
    .to(toWindowTable('seconds', row));
  orders
    .window(session({ gapMs: 500, graceMs: 60_000 }))
    .aggregate('by-session', sumOf)
    .to(toWindowTable('sessions', row));
  return app.build();
}

const send = (driver: TopologyDriver, key: string, amount: number, t = T0) =>
  driver.send(IN, { t, amount }, { key, codec });

const latest = (driver: TopologyDriver, topic: string) =>
  Object.fromEntries(
    driver.read(topic, json<number>()).map(({ key, value }) => [key, value] as const),
  ) as Record<string, number>;

describe('a step that throws', () => {
  test('costs the record alone: it goes to the dead letters, and nothing of it stands', async () => {
    const driver = await driveTopology(sums(), { startMs: T0 });
    await send(driver, 'a', 5);
    await send(driver, 'bad', 1);
    await send(driver, 'bad', -1);
    await send(driver, 'bad', -2);
    await send(driver, 'bad', 7);
    await send(driver, 'a', 6);
    expect(latest(driver, 'seen')).toEqual({ a: 2, bad: 2 });
    expect(latest(driver, 'sum')).toEqual({ a: 11, bad: 8 });
    const letters = driver.kafka.recordsOf(DLQ);
    expect(letters.map(({ headers }) => [headers['mr-code'], headers['mr-origin-offset']])).toEqual([
      ['MR_PROCESS_STEP_FAILED', '2'],
      ['MR_PROCESS_STEP_FAILED', '3'],
    ]);
    // The message of the error quotes the record; its name and place do not.
    expect(letters[0]?.headers['mr-reason']).toMatch(
      /^step in threw RangeError at task\/step-guard\.test\.ts:\d+$/,
    );
  });

  test('sends its task back once; from then on it is rolled back in place', async () => {
    const driver = await driveTopology(sums(), { startMs: T0 });
    await send(driver, 'bad', -1);
    const task = driver.task('in');
    for (let n = 0; n < 20; n++) await send(driver, 'bad', -1);
    expect(driver.task('in')).toBe(task);
    expect(task.counters).toMatchObject({ deadLetter: 21, ok: 0 });
  });

  test('whatever throws, and wherever it comes: the results are those without it', async () => {
    const record = fc.record({
      key: fc.constantFrom('a', 'b'),
      amount: fc.integer({ min: -3, max: 9 }),
      t: fc.integer({ min: T0, max: T0 + 5000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 25 }), async (records) => {
        const results = [];
        for (const sent of [records, records.filter(({ amount }) => amount >= 0)]) {
          const driver = await driveTopology(sums(), { startMs: T0, outOfOrderMs: 10_000 });
          for (const { key, amount, t } of sent) await send(driver, key, amount, t);
          await driver.advanceClock(120_000);
          const rows = (table: string) => {
            const last = new Map(
              driver.rows(table).map((r) => [`${String(r['key'])}|${String(r['start'])}`, r['value']]),
            );
            return [...last].sort();
          };
          results.push([latest(driver, 'seen'), latest(driver, 'sum'), rows('seconds'), rows('sessions')]);
        }
        expect(results[0]).toEqual(results[1]);
      }),
      { numRuns: 60 },
    );
  });

  test('of a processor that holds something outside of its stores sends its task back each time', async () => {
    const app = topology('buffered');
    app
      .stream(IN, readsIn)
      .process<number>('buffer', (_, emit) => {
        let buffered = 0;
        return {
          process: ({ amount }) => {
            buffered += amount;
            if (amount < 0) throw new RangeError('negative');
          },
          beforeCommit: () => {
            if (buffered > 0)
              emit(buffered, { key: 'all', eventTimeMs: T0, ingestTimeMs: T0, position: undefined });
            buffered = 0;
          },
        };
      })
      .to(toTopic('out'));
    const driver = await driveTopology(app.build(), { startMs: T0 });
    for (const amount of [1, 2, -5, 3, -7, 4]) await send(driver, 'k', amount);
    const out = driver.read('out', json<number>()).map(({ value }) => value ?? 0);
    expect(out.reduce((sum, value) => sum + value, 0)).toBe(10);
    expect(driver.kafka.recordsOf(DLQ)).toHaveLength(2);
  });

  test('that throws on most records ends the task instead of emptying the topic into the dead letters', async () => {
    const driver = await driveTopology(sums(), { startMs: T0 });
    const failing = async () => {
      for (let n = 0; n < 1000; n++) await send(driver, 'bad', -1);
    };
    await expect(failing()).rejects.toMatchObject({ code: 'MR_PROCESS_STEPS_FAILING' });
    expect(driver.kafka.recordsOf(DLQ)).toHaveLength(500);
  });
});
