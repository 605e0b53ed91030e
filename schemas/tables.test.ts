import { expect, test } from 'vitest';
import { clickhouseMigrations } from './migrations.ts';
import { FACT_TABLES, FACT_TTL_DAYS, SHORTEST_TTL_DAYS, VERSIONED_TABLES } from './tables.ts';

const sql = clickhouseMigrations()
  .map((migration) => migration.sql)
  .join('\n');
const tables = [
  ...sql.matchAll(
    /CREATE TABLE IF NOT EXISTS (\w+)\s*\([^;]*?\n\)\nENGINE = ReplacingMergeTree(?:\(([^)]*)\))?([^;]*);/g,
  ),
].map(([, name = '', engine = '', tail = '']) => ({
  name,
  engine: engine.split(', ').filter(Boolean),
  key: (/ORDER BY \(?([^)\n;]+)/.exec(tail)?.[1] ?? '').split(', '),
  ttlDays: Number(/INTERVAL (\d+) DAY/.exec(tail)?.[1] ?? Number.POSITIVE_INFINITY),
}));

test('the key of each versioned table is its ORDER BY, and what takes a row back is known', () => {
  const versioned = tables.filter(({ engine }) => engine[0] === 'version');
  expect(
    Object.fromEntries(
      versioned.map(({ name, key, engine: [, retracted] }) => [
        name,
        retracted === undefined ? { key } : { key, retracted },
      ]),
    ),
  ).toEqual(VERSIONED_TABLES);
  for (const { ttlDays } of versioned) expect(ttlDays).toBeGreaterThanOrEqual(SHORTEST_TTL_DAYS);
});

test('facts are ordered by their place in the log and kept as long as said', () => {
  const facts = tables.filter(({ engine }) => engine.length === 0);
  expect(facts.map(({ name }) => name).sort()).toEqual([...FACT_TABLES].sort());
  for (const { key, ttlDays } of facts)
    expect({ key, ttlDays }).toEqual({
      key: ['_topic', '_partition', '_offset', '_ordinal'],
      ttlDays: FACT_TTL_DAYS,
    });
});
