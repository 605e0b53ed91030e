import type { ClickHouse, Row } from '../../../platform/clickhouse/port.ts';
import type { VersionedTable } from '../../../schemas/tables.ts';
import type { HashPair } from '../audit/hash-pair.ts';
import { cellTextSql, rowTextSql, type Column } from '../audit/row-sql.ts';
import { keyId } from './claims.ts';
import { remadeTable, stampsTable } from './table-repair.ts';

/** A row of a window table as far as it is compared. */
export interface ComparedRow {
  readonly id: string;
  readonly key: HashPair;
  readonly row: HashPair;
  /** Without the columns that depend on when it was said. */
  readonly values: HashPair;
  readonly version: number;
  readonly partition: number;
  /** Start of its window, epoch ms; undefined where the key has none. */
  readonly startMs: number | undefined;
}

/** One emission of a key in the second run. */
export interface RemadeRow {
  readonly id: string;
  readonly version: number;
  readonly partition: number;
  /** In the order of the columns, as they are hashed. */
  readonly cells: readonly string[];
}

/** What the columns of the engine must be in a row of the second run. */
export interface StampedRow {
  readonly key: HashPair;
  /** Of the second run. */
  readonly remadeVersion: number;
  readonly version: number;
  readonly emittedAtMs: number;
  readonly reason: string;
}

/** One of so many parts of a table, by the hash of the key. */
export interface Slice {
  readonly index: number;
  readonly of: number;
}

const TIMEOUT_MS = 600_000;
const SAID_LATER = new Set(['version', 'emitted_at', 'reason']);

/** Reads and fills what a rebuild compares of one window table: the table itself, and the rows of the second run. */
export class WindowRows {
  readonly columns: readonly Column[];
  readonly table: string;
  readonly #clickhouse: ClickHouse;
  readonly #shape: VersionedTable;
  readonly #key: string;

  constructor(
    clickhouse: ClickHouse,
    { table, shape, columns }: { table: string; shape: VersionedTable; columns: readonly Column[] },
  ) {
    this.#clickhouse = clickhouse;
    this.table = table;
    this.columns = columns;
    this.#shape = shape;
    const types = new Map(columns.map((column) => [column.name, column]));
    this.#key = rowTextSql(shape.key.map((name) => types.get(name) ?? { name, type: 'String' }));
  }

  /** Rows that readers see. */
  found(slice: Slice): Promise<readonly ComparedRow[]> {
    return this.#compared(`${this.table} FINAL`, slice);
  }

  /** What the second run said last of each key. */
  remade(slice: Slice): Promise<readonly ComparedRow[]> {
    const { key, retracted } = this.#shape;
    const newest = `SELECT * FROM ${remadeTable(this.table)} ORDER BY version DESC LIMIT 1 BY ${key.join(', ')}`;
    const visible = retracted === undefined ? newest : `SELECT * FROM (${newest}) WHERE ${retracted} = 0`;
    return this.#compared(`(${visible})`, slice);
  }

  /** Hashes of all rows of some keys, those too that newer ones hide. */
  async hidden(keys: readonly HashPair[]): Promise<readonly { id: string; row: HashPair }[]> {
    const rows = await this.#query<Record<'ka' | 'kb' | 'ra' | 'rb', number>>(
      `SELECT ${pair(this.#key, 'k')}, ${pair(rowTextSql(this.columns), 'r')} FROM ${this.table} WHERE ${within(keys)}`,
    );
    return rows.map(({ ka, kb, ra, rb }) => ({ id: keyId({ a: ka, b: kb }), row: { a: ra, b: rb } }));
  }

  /** Everything that the second run said of some keys, the newest first. */
  async emissions(keys: readonly HashPair[]): Promise<readonly RemadeRow[]> {
    const cells = this.columns.map(({ name, type }) => cellTextSql(`\`${name}\``, type)).join(', ');
    const rows = await this.#query<{ ka: number; kb: number; v: number; p: number; cells: string[] }>(
      `SELECT DISTINCT ${pair(this.#key, 'k')}, version AS v, partition AS p, [${cells}] AS cells
      FROM ${remadeTable(this.table)} WHERE ${within(keys)} ORDER BY v DESC`,
    );
    return rows.map(({ ka, kb, v, p, cells: texts }) => ({
      ...{ id: keyId({ a: ka, b: kb }), version: v, partition: p, cells: texts },
    }));
  }

  /** Makes the tables of the second run anew. */
  async beginRemade(): Promise<void> {
    await this.dropRemade();
    await this.#command(
      `CREATE TABLE ${remadeTable(this.table)} AS ${this.table} ENGINE = MergeTree ORDER BY (${this.#shape.key.join(', ')})`,
    );
    await this.#command(
      `CREATE TABLE ${stampsTable(this.table)} (s_ka UInt32, s_kb UInt32, s_remade UInt64, s_version UInt64,
        s_emitted_at Int64, s_reason String) ENGINE = MergeTree ORDER BY (s_ka, s_kb)`,
    );
  }

  async dropRemade(): Promise<void> {
    for (const name of [remadeTable(this.table), stampsTable(this.table)])
      await this.#command(`DROP TABLE IF EXISTS ${name} SYNC`);
  }

  async addRemade(rows: readonly Row[]): Promise<void> {
    await this.#clickhouse.insert(remadeTable(this.table), rows, { timeoutMs: TIMEOUT_MS });
  }

  async addStamps(stamps: readonly StampedRow[]): Promise<void> {
    if (stamps.length === 0) return;
    const rows = stamps.map(({ key, remadeVersion, version, emittedAtMs, reason }) => ({
      ...{ s_ka: key.a, s_kb: key.b, s_remade: remadeVersion, s_version: version },
      ...{ s_emitted_at: emittedAtMs, s_reason: reason },
    }));
    await this.#clickhouse.insert(stampsTable(this.table), rows);
  }

  /** SQL of the rows of the second run that have a stamp, with it. */
  stampedSelect(): string {
    const reason = this.columns.some(({ name }) => name === 'reason') ? ', s_reason AS reason' : '';
    return `SELECT m.* REPLACE (s_version AS version, fromUnixTimestamp64Milli(s_emitted_at, 'UTC') AS emitted_at${reason})
      FROM ${remadeTable(this.table)} AS m INNER JOIN ${stampsTable(this.table)} AS s
      ON murmurHash3_32(${this.#key}) = s_ka AND xxHash32(${this.#key}) = s_kb AND m.version = s_remade`;
  }

  async #compared(from: string, { index, of }: Slice): Promise<readonly ComparedRow[]> {
    const values = this.columns.filter(({ name }) => !SAID_LATER.has(name));
    const [start = ''] = this.#shape.key;
    const startMs = start.endsWith('_start') ? `toUnixTimestamp64Milli(${start})` : '-1';
    const rows = await this.#query<Record<'ka' | 'kb' | 'ra' | 'rb' | 'va' | 'vb' | 'v' | 'p' | 's', number>>(
      `SELECT ${pair(this.#key, 'k')}, ${pair(rowTextSql(this.columns), 'r')}, ${pair(rowTextSql(values), 'v')},
        version AS v, partition AS p, ${startMs} AS s FROM ${from} WHERE ka % ${of} = ${index}`,
    );
    return rows.map(({ ka, kb, ra, rb, va, vb, v, p, s }) => ({
      ...{
        id: keyId({ a: ka, b: kb }),
        key: { a: ka, b: kb },
        row: { a: ra, b: rb },
        values: { a: va, b: vb },
      },
      ...{ version: v, partition: p, startMs: s < 0 ? undefined : s },
    }));
  }

  #query<T extends Row>(sql: string): Promise<T[]> {
    return this.#clickhouse.query<T>(sql, { timeoutMs: TIMEOUT_MS });
  }

  #command(sql: string): Promise<void> {
    return this.#clickhouse.command(sql, { timeoutMs: TIMEOUT_MS });
  }
}

function pair(text: string, name: string): string {
  return `murmurHash3_32(${text}) AS ${name}a, xxHash32(${text}) AS ${name}b`;
}

function within(keys: readonly HashPair[]): string {
  return `(ka, kb) IN (${keys.map(({ a, b }) => `(${a}, ${b})`).join(', ')})`;
}
