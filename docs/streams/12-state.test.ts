/**
 * # 12. State
 *
 * Windows, joins, tables, timers and your own stores are *keyed state* of a task. It lives in memory and, beyond
 * `MR_STATE_MEMORY_MB`, on the local disk; the truth is its *changelog*, a compacted topic with one partition for each
 * task. A commit writes outputs, changelog and input positions in one Kafka transaction, so that a task that starts
 * anywhere finds all three of the same moment.
 *
 * With `MR_STANDBYS`, another process follows the changelog of each task and takes over at once
 * (`processors/runtime/run/runner.embedded.test.ts` shows it).
 */
import { describe, expect, test } from 'vitest';
import { count, sum, type Aggregator } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic, type Topology } from '../../processors/runtime/dsl/index.ts';
import { KeyedStore, type StoreOptions } from '../../processors/runtime/state/keyed-store.ts';
import { memorySpill } from '../../processors/runtime/state/memory-spill.contract.ts';
import { StateMemory } from '../../processors/runtime/state/state-memory.ts';
import { loneEnvironment } from '../../processors/runtime/state/store-environment.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { at } from './times-of-day.ts';

interface Visit {
  readonly page: string;
  readonly time: number;
}

const visits = json<Visit>();

/** Says for each visit the visitor's page before, from a store of these options. */
function pageBefore(
  name = 'pages',
  options: StoreOptions<string> = {},
  retired: readonly string[] = [],
): Topology {
  const app = topology('site');
  app
    .stream('visits', { codec: visits, eventTimeOf: ({ time }) => time })
    .process<string>('before', (context, emit) => {
      const pages = context.store<string>(name, options);
      return ({ page }, meta) => {
        if (meta.key === null) return;
        emit(`${pages.get(meta.key) ?? 'nothing'} → ${page}`, meta);
        pages.set(meta.key, page);
      };
    })
    .to(toTopic('out'));
  if (retired.length > 0) app.retire('visits', ...retired);
  return app.build();
}

async function start(made: Topology) {
  const driver = await driveTopology(made, { startMs: at('20:00:00') });
  return {
    driver,
    visit: (visitor: string, page: string, time: string) =>
      driver.send('visits', { page, time: at(time) }, { key: visitor, codec: visits }),
    said: () => driver.read('out', json<string>()).map(({ value }) => value),
  };
}

test('state outlives a crash: it is read from the changelog as of the last commit', async () => {
  const { driver, visit, said } = await start(pageBefore());
  await visit('ann', 'home', '10:00:00');
  await driver.restart();
  await visit('ann', 'shoes', '10:00:10');
  expect(said()).toEqual(['nothing → home', 'home → shoes']);
  // The changelog has an entry for each key that changed; beside them the accounts of what was read and said, for the
  // auditor, and at the end of each commit what the commit is of.
  const keys = driver.kafka.recordsOf('millrace.changelog.visits').map(({ key }) => String(key));
  expect(keys.filter((key) => key.startsWith('pages/'))).toEqual(['pages/ann', 'pages/ann']);
  expect(keys.filter((key) => key === 'audit/mark').length).toBeGreaterThan(0);
  expect(keys.at(-1)).toBe('meta');
});

describe('state that would grow for ever is bounded', () => {
  test('by time: `ttlMs` after its last write, in event time, an entry is gone', async () => {
    const { driver, visit, said } = await start(pageBefore('pages', { ttlMs: 600_000 }));
    await visit('ann', 'home', '10:00:00');
    await visit('ann', 'shoes', '10:09:59');
    // The time begins anew with each write.
    await visit('ann', 'hats', '10:15:00');
    // Time is the watermark: another visitor moves it on.
    await visit('bob', 'home', '10:25:00');
    await visit('ann', 'socks', '10:25:00');
    expect(said()).toEqual([
      'nothing → home',
      'home → shoes',
      'shoes → hats',
      'nothing → home',
      'nothing → socks',
    ]);
    // It is deleted in the changelog too, while time moves on; on silent topics with the clock.
    await driver.advanceClock(700_000);
    const [last] = driver.kafka
      .recordsOf('millrace.changelog.visits')
      .filter(({ key }) => String(key).startsWith('pages/'))
      .slice(-1);
    expect([String(last?.key), last?.value]).toEqual(['pages/ann', null]);
  });

  test('by number: with `maxEntries`, what was written longest ago is forgotten', async () => {
    const { visit, said } = await start(pageBefore('pages', { maxEntries: 2 }));
    await visit('ann', 'home', '10:00:00');
    await visit('bob', 'home', '10:00:01');
    await visit('cy', 'home', '10:00:02');
    said();
    await visit('bob', 'shoes', '10:00:03');
    await visit('ann', 'shoes', '10:00:04');
    expect(said()).toEqual(['home → shoes', 'nothing → shoes']);
  });

  test('by memory: what does not fit goes to disk, and comes back when it is asked for', () => {
    // The runner gives all tasks of a process one StateMemory, with LMDB behind it.
    const memory = new StateMemory({ limitBytes: 20_000, spill: memorySpill() });
    const store = new KeyedStore<string>('pages', {}, { ...loneEnvironment(), spillMap: memory.spillMap! });
    memory.add(store, 'visits-0/pages');
    for (let n = 0; n < 1000; n++) store.set(`visitor-${n}`, 'a page with a long name');
    expect(memory.usedBytes).toBeGreaterThan(20_000);
    // Only what has been committed can go. Nothing has.
    memory.relieve();
    expect(store.spilled).toBe(0);
    // A commit takes the changes for the changelog; then the rest goes.
    store.takeChanges();
    memory.relieve();
    expect(memory.usedBytes).toBeLessThanOrEqual(20_000);
    expect(store.spilled).toBeGreaterThan(500);
    expect([store.get('visitor-0'), store.size]).toEqual(['a page with a long name', 1000]);
  });

  test('without a disk, state beyond the memory is an error that names the largest stores', () => {
    const memory = new StateMemory({ limitBytes: 1000 });
    const store = new KeyedStore<string>('pages');
    memory.add(store, 'visits-0/pages');
    for (let n = 0; n < 100; n++) store.set(`visitor-${n}`, 'home');
    expect(() => memory.relieve()).toThrow(
      expect.objectContaining({
        code: 'MR_STATE_TOO_LARGE',
        message: expect.stringContaining('visits-0/pages') as string,
      }),
    );
  });
});

describe('a new version of a program', () => {
  test('upgrades the values of an older one', async () => {
    const { driver, visit, said } = await start(pageBefore());
    await visit('ann', '/home', '10:00:00');
    // From version 2 on, pages are kept without the slash.
    const upgrade = (value: unknown) => String(value).slice(1);
    await driver.restart(pageBefore('pages', { version: 2, upgrade }));
    await visit('ann', 'shoes', '10:00:01');
    expect(said()).toEqual(['nothing → /home', 'home → shoes']);
  });

  test('without a way to upgrade is refused before anything is changed, and so is going back', async () => {
    const { driver, visit } = await start(pageBefore('pages', { version: 2 }));
    await visit('ann', '/home', '10:00:00');
    await expect(driver.restart(pageBefore('pages', { version: 3 }))).rejects.toMatchObject({
      code: 'MR_STATE_INCOMPATIBLE',
      message: expect.stringContaining(
        'it was written at version 2, and this program has version 3',
      ) as string,
    });
    await expect(driver.restart(pageBefore('pages', { version: 1 }))).rejects.toThrow(/MR_STATE|version 2/);
  });

  test('that renames a store must say what becomes of the old one: `retire` deletes it', async () => {
    const { driver, visit, said } = await start(pageBefore());
    await visit('ann', 'home', '10:00:00');
    await expect(driver.restart(pageBefore('last-pages'))).rejects.toThrow(
      'it has entries, and this program does not declare it',
    );
    await driver.restart(pageBefore('last-pages', {}, ['pages']));
    await visit('ann', 'shoes', '10:00:01');
    expect(said()).toEqual(['nothing → home', 'nothing → shoes']);
    expect(
      driver
        .task('visits')
        .state.describe()
        .map(({ store }) => store),
    ).toEqual(['last-pages']);
  });

  test('cannot take windows or aggregates of another layout for its own', async () => {
    const counting = (of: Aggregator<unknown, never, number>) => {
      const app = topology('site');
      app.stream('visits', { codec: visits }).aggregate('n', of).to(toTopic('out'));
      return app.build();
    };
    const { driver, visit } = await start(counting(count() as never));
    await visit('ann', 'home', '10:00:00');
    await expect(driver.restart(counting(sum(() => 1) as never))).rejects.toThrow(
      'it was written as aggregate/count, and this program has aggregate/sum',
    );
  });
});
