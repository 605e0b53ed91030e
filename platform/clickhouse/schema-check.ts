import { MillraceError } from '../errors.ts';
import type { ClickHouse } from './port.ts';

interface Column extends Record<string, unknown> {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly default: string;
}

interface Table extends Record<string, unknown> {
  readonly name: string;
  readonly definition: string;
}

const COLUMNS = `SELECT table, name, type, concat(default_kind, ' ', default_expression) AS default
FROM system.columns WHERE database = {database:String} ORDER BY table, position`;
const TABLES = `SELECT name, concat(engine_full, if(as_select = '', '', concat(' AS ', as_select)), if(engine_full = '', engine, '')) AS definition
FROM system.tables WHERE database = {database:String} ORDER BY name`;

/**
 * Compares the tables of two databases: the one in use, and one that the migrations have just made.
 * @returns a sentence for each difference, none where there is none
 */
export async function compareSchemas(actual: ClickHouse, expected: ClickHouse): Promise<readonly string[]> {
  const [actualTables, expectedTables] = await Promise.all([tablesOf(actual), tablesOf(expected)]);
  const [actualColumns, expectedColumns] = await Promise.all([columnsOf(actual), columnsOf(expected)]);
  return [
    ...differences('table', actualTables, expectedTables),
    ...differences(
      'column',
      // A table that is missing or was added is said once, without its columns.
      only(actualColumns, expectedTables),
      only(expectedColumns, actualTables),
    ),
  ];
}

/** @throws MillraceError MR_CLICKHOUSE_SCHEMA_CHANGED where the tables are not what the migrations made */
export async function requireSameSchema(actual: ClickHouse, expected: ClickHouse): Promise<void> {
  const found = await compareSchemas(actual, expected);
  if (found.length === 0) return;
  throw new MillraceError(
    'MR_CLICKHOUSE_SCHEMA_CHANGED',
    `The tables of ${actual.database} are not what the migrations made:\n  ${found.join('\n  ')}`,
    { context: { database: actual.database, differences: found } },
  );
}

async function tablesOf(clickhouse: ClickHouse): Promise<ReadonlyMap<string, string>> {
  const { database } = clickhouse;
  const tables = await clickhouse.query<Table>(TABLES, { params: { database } });
  return new Map(tables.map(({ name, definition }) => [name, withoutDatabase(definition, database)]));
}

async function columnsOf(clickhouse: ClickHouse): Promise<ReadonlyMap<string, string>> {
  const { database } = clickhouse;
  const columns = await clickhouse.query<Column>(COLUMNS, { params: { database } });
  return new Map(
    columns.map((column) => [
      `${column.table}.${column.name}`,
      withoutDatabase(`${column.type} ${column.default}`.trim(), database),
    ]),
  );
}

function withoutDatabase(text: string, database: string): string {
  return text.replaceAll(`\`${database}\`.`, '').replaceAll(`${database}.`, '');
}

function only(
  columns: ReadonlyMap<string, string>,
  tables: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map([...columns].filter(([name]) => tables.has(name.split('.', 1)[0] ?? '')));
}

function differences(
  what: string,
  actual: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): string[] {
  const found: string[] = [];
  for (const [name, definition] of expected) {
    const is = actual.get(name);
    if (is === undefined) found.push(`the ${what} ${name} is missing`);
    else if (is !== definition) found.push(`the ${what} ${name} is "${is}" and should be "${definition}"`);
  }
  for (const name of actual.keys())
    if (!expected.has(name)) found.push(`no migration makes the ${what} ${name}`);
  return found;
}
