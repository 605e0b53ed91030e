import { expect, test } from 'vitest';
import type { ProcessingConfig } from '../platform/config.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { SCHEMAS } from '../schemas/registry.ts';
import { topicsOf } from '../schemas/topics.ts';
import { sampleEvents, T0 } from '../test/harness/shop-events.ts';
import { driveTask } from './runtime/testing/task-driver.ts';
import { shopTopology } from './topologies.ts';

const CONFIG: ProcessingConfig = {
  commitIntervalMs: 1000,
  onlineFlushIntervalMs: 50,
  outOfOrderMs: 5000,
  graceMs: 30_000,
  idleTimeoutMs: 5000,
  stateMemoryBytes: 1024 * 1024 * 1024,
  withStandbys: false,
  stepTimeoutMs: 60_000,
  parcelSilenceMs: 86_400_000,
  cardBurstCount: 5,
  cardBurstWindowMs: 300_000,
};

/** Columns by table, as the migrations make them. */
function tableColumns(): Map<string, Set<string>> {
  const sql = clickhouseMigrations()
    .map((migration) => migration.sql)
    .join('\n');
  const tables = [...sql.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)\s*\(([^;]*?)\n\)/g)];
  return new Map(
    tables.map(([, table = '', body = '']) => [
      table,
      new Set([...body.matchAll(/^ {2}(\w+) /gm)].map(([, name = '']) => name)),
    ]),
  );
}

test('every row that the shop writes has its table and only columns of it', async () => {
  const columns = tableColumns();
  const written = new Set<string>();
  for (const subtopology of shopTopology(CONFIG).subtopologies) {
    const driver = await driveTask(subtopology, { nowMs: T0 });
    for (const event of sampleEvents()) {
      const topic = SCHEMAS.find(({ record }) => record === event.type)?.topic ?? '';
      if (subtopology.inputs.some((input) => input.topic === topic)) driver.feed(topic, [event]);
    }
    for (const [table, rows] of await driver.commit()) {
      written.add(table);
      const known = columns.get(table);
      for (const row of rows)
        expect(Object.keys(row).filter((name) => known?.has(name) !== true)).toEqual([]);
      const given = new Set(rows.flatMap((row) => Object.keys(row)));
      expect([...(known ?? [])].filter((name) => !given.has(name))).toEqual([]);
    }
    expect(driver.task.counters.deadLetter).toBe(0);
    expect(driver.task.counters.dropped).toBe(0);
  }
  expect([...written].sort()).toEqual(
    [...columns.keys()].filter((table) => table !== 'pipeline_samples').sort(),
  );
});

test('every topic feeds one sub-topology at most, and the inputs of each have one partition count', () => {
  const counts = new Map(topicsOf('').map(({ name, partitions }) => [name, partitions]));
  const seen = new Set<string>();
  for (const { inputs } of shopTopology(CONFIG).subtopologies) {
    expect(new Set(inputs.map(({ topic }) => counts.get(topic))).size).toBe(1);
    for (const { topic } of inputs) {
      expect(seen.has(topic)).toBe(false);
      seen.add(topic);
    }
  }
});
