import type { ClickHouse } from '../../../platform/clickhouse/port.ts';
import type { VersionedTable } from '../../../schemas/tables.ts';
import { MEMBER_END } from './row-text.ts';
import type { HashPair } from './hash-pair.ts';
import { rowTextSql, type Column } from './row-sql.ts';

/** A row as readers see it, as far as it is compared. */
export interface WindowRow {
  readonly key: HashPair;
  readonly row: HashPair;
  readonly version: number;
  readonly partition: number;
  readonly emittedAtMs: number;
}

/** Parts of a table by the hash of the key; a pass checks as many as it may. */
export const SLICES = 16;
const TIMEOUT_MS = 60_000;

/** Rows of each table, with those that others have replaced. */
export async function rowCounts(clickhouse: ClickHouse): Promise<ReadonlyMap<string, number>> {
  const rows = await clickhouse.query<{ name: string; n: number }>(
    'SELECT table AS name, sum(rows) AS n FROM system.parts WHERE active AND database = {d:String} GROUP BY name',
    { params: { d: clickhouse.database } },
  );
  return new Map(rows.map(({ name, n }) => [name, n]));
}

/** Reads one versioned table as readers see it: the newest row of each key. */
export class WindowTable {
  readonly table: string;
  readonly #clickhouse: ClickHouse;
  readonly #shape: VersionedTable;
  readonly #key: string;
  readonly #row: string;

  constructor(
    clickhouse: ClickHouse,
    { table, shape, columns }: { table: string; shape: VersionedTable; columns: readonly Column[] },
  ) {
    this.#clickhouse = clickhouse;
    this.table = table;
    this.#shape = shape;
    const types = new Map(columns.map((column) => [column.name, column]));
    this.#key = rowTextSql(shape.key.map((name) => types.get(name) ?? { name, type: 'String' }));
    this.#row = rowTextSql(columns);
  }

  /** The rows whose keys belong to one of the slices. */
  async rows(slices: readonly number[]): Promise<readonly WindowRow[]> {
    const rows = await this.#clickhouse.query<Record<'ka' | 'kb' | 'ra' | 'rb' | 'v' | 'p' | 'at', number>>(
      `SELECT murmurHash3_32(${this.#key}) AS ka, xxHash32(${this.#key}) AS kb,
        murmurHash3_32(${this.#row}) AS ra, xxHash32(${this.#row}) AS rb,
        version AS v, partition AS p, toUnixTimestamp64Milli(emitted_at) AS at
      FROM ${this.table} FINAL WHERE ka % ${SLICES} IN (${slices.join(', ')})`,
      { timeoutMs: TIMEOUT_MS },
    );
    return rows.map(({ ka, kb, ra, rb, v, p, at }) => ({
      key: { a: ka, b: kb },
      row: { a: ra, b: rb },
      ...{ version: v, partition: p, emittedAtMs: at },
    }));
  }

  /** A key as people write it, from any row that still has it; undefined where none has. */
  async keyText({ a, b }: HashPair): Promise<string | undefined> {
    const [row] = await this.#clickhouse.query<{ text: string }>(
      `SELECT ${this.#key} AS text FROM ${this.table}
      WHERE murmurHash3_32(${this.#key}) = ${a} AND xxHash32(${this.#key}) = ${b} LIMIT 1`,
      { timeoutMs: TIMEOUT_MS },
    );
    if (row === undefined) return undefined;
    const values = row.text.replaceAll(MEMBER_END, ' ').split('\u001e');
    return this.#shape.key.map((name, index) => `${name} ${readable(name, values[index] ?? '')}`).join(', ');
  }
}

/** Times of keys are epoch milliseconds in their text. */
function readable(name: string, value: string): string {
  return name.endsWith('_start') ? new Date(Number(value)).toISOString() : value;
}
