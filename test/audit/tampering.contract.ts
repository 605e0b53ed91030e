/** What a hand can do to a table: rows are deleted, doubled and altered as an administrator would. */
import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import { VERSIONED_TABLES } from '../../schemas/tables.ts';

interface Column {
  readonly name: string;
  readonly type: string;
}

export interface Tampered {
  readonly table: string;
  /** Columns that were altered, each in a row of its own. */
  readonly altered: readonly string[];
}

const SYNC = { settings: { mutations_sync: 1 } } as const;
const FACT_KEY = ['_topic', '_partition', '_offset', '_ordinal'];
/** ClickHouse lets nobody update what orders, partitions or versions a table. */
const FIXED = new Set([...FACT_KEY, 'ingest_time', 'version', 'retracted', 'partition']);

/** Deletes one row, doubles one under another key, and alters one column each in others. */
export async function tamper(clickhouse: ClickHouse, table: string): Promise<Tampered> {
  const shape = VERSIONED_TABLES[table];
  const columns = await columnsOf(clickhouse, table);
  const key = shape?.key ?? FACT_KEY;
  const rows = await clickhouse.query<{ row: string }>(
    `SELECT ${conditionSql(key, columns)} AS row FROM ${table} FINAL ORDER BY row LIMIT 60`,
  );
  const [deleted, doubled, ...others] = rows.map(({ row }) => row);
  if (deleted === undefined || doubled === undefined) throw new Error(`${table} has too few rows`);
  const open = columns.filter(({ name }) => !key.includes(name) && !FIXED.has(name)).slice(0, others.length);
  const updates = open.map(
    ({ name, type }, n) => `UPDATE ${name} = ${otherValue(name, type)} WHERE ${others[n]}`,
  );
  await clickhouse.command(`ALTER TABLE ${table} DELETE WHERE ${deleted}`, SYNC);
  if (updates.length > 0) await clickhouse.command(`ALTER TABLE ${table} ${updates.join(', ')}`, SYNC);
  const [first] =
    shape === undefined
      ? columns.filter(({ name }) => name === '_ordinal')
      : columns.filter(({ name }) => name === key[0]);
  const moved = `${otherValue(first?.name ?? '', first?.type ?? '')} AS ${first?.name}`;
  await clickhouse.command(
    `INSERT INTO ${table} SELECT * REPLACE (${moved}) FROM (SELECT * FROM ${table} FINAL WHERE ${doubled})`,
  );
  return { table, altered: open.map(({ name }) => name) };
}

async function columnsOf(clickhouse: ClickHouse, table: string): Promise<readonly Column[]> {
  return clickhouse.query<{ name: string; type: string }>(
    'SELECT name, type FROM system.columns WHERE database = {d:String} AND table = {t:String} ORDER BY position',
    { params: { d: clickhouse.database, t: table } },
  );
}

/** SQL that makes SQL: the condition that holds for one row alone. */
function conditionSql(key: readonly string[], columns: readonly Column[]): string {
  const parts = key.map((name) => {
    const isTime = columns.find((column) => column.name === name)?.type.startsWith('DateTime64') === true;
    const left = isTime ? `toUnixTimestamp64Milli(${name})` : `toString(${name})`;
    return `concat('${left} = ', ${isTime ? `toString(${left})` : `concat('\\'', ${left}, '\\'')`})`;
  });
  return `concat(${parts.map((part, n) => (n === 0 ? part : `' AND ', ${part}`)).join(', ')}, '')`;
}

function otherValue(name: string, type: string): string {
  const plain = /^LowCardinality\((.*)\)$/.exec(type)?.[1] ?? type;
  const inner = /^Nullable\((.*)\)$/.exec(plain)?.[1];
  if (inner !== undefined) return `if(${name} IS NULL, ${zero(inner)}, NULL)`;
  if (plain.startsWith('Array(')) return `arrayPushBack(${name}, ${zero(plain.slice(6, -1))})`;
  if (plain.startsWith('Map(')) return `mapUpdate(${name}, map('XXX', toInt64(7)))`;
  if (plain === 'Bool') return `NOT ${name}`;
  if (plain === 'String') return `concat(toString(${name}), 'x')`;
  if (plain === 'UUID') return `toUUID('00000000-0000-7000-8000-0000000000ff')`;
  return `${name} + 1`;
}

function zero(type: string): string {
  if (/String/.test(type)) return `'x'`;
  if (type === 'Date') return `toDate('2026-01-01')`;
  return type.startsWith('DateTime64') ? `toDateTime64(1, 3, 'UTC')` : `CAST(1, '${type}')`;
}
