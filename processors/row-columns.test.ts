import { expect, test } from 'vitest';
import { parseConfig } from '../platform/config.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { SCHEMAS } from '../schemas/registry.ts';
import { repartitionTopic, topicsOf } from '../schemas/topics.ts';
import { sampleEvents, T0 } from '../test/harness/shop-events.ts';
import { memoryKafka } from './runtime/testing/memory-kafka.ts';
import { driveTask } from './runtime/testing/task-driver.ts';
import { shopTopology } from './topologies.ts';

const CONFIG = parseConfig({}).processing;

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

const isRepartition = (topic: string) => topic.startsWith(repartitionTopic('shop', ''));

test('every row that the shop writes has its table and only columns of it', async () => {
  const columns = tableColumns();
  const written = new Set<string>();
  const kafka = memoryKafka();
  // One after the other, in the order in which they feed each other through repartition topics.
  for (const subtopology of shopTopology(CONFIG).subtopologies) {
    const driver = await driveTask(subtopology, { nowMs: T0, kafka });
    for (const event of sampleEvents()) {
      const topic = SCHEMAS.find(({ record }) => record === event.type)?.topic ?? '';
      if (subtopology.inputs.some((input) => input.topic === topic)) driver.feed(topic, [event]);
    }
    for (const { topic } of subtopology.inputs)
      if (isRepartition(topic)) driver.fetch(topic, kafka.fetch({ topic, partition: 0 }, 0));
    // Until the end of a minute by the clock, for what is written then.
    for (let seconds = 10; seconds <= 90; seconds += 10) driver.setNow(T0 + seconds * 1000);
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
    [...columns.keys()].filter((table) => table !== 'pipeline_samples' && table !== 'audit_samples').sort(),
  );
});

test('every topic feeds one sub-topology at most, and the inputs of each have one partition count', () => {
  const counts = new Map(topicsOf('').map(({ name, partitions }) => [name, partitions]));
  const seen = new Set<string>();
  for (const { inputs } of shopTopology(CONFIG).subtopologies) {
    const contracts = inputs.filter(({ topic }) => !isRepartition(topic));
    expect(new Set(contracts.map(({ topic }) => counts.get(topic))).size).toBeLessThanOrEqual(1);
    expect(contracts.every(({ topic }) => counts.has(topic))).toBe(true);
    for (const { topic } of inputs) {
      expect(seen.has(topic)).toBe(false);
      seen.add(topic);
    }
  }
});
