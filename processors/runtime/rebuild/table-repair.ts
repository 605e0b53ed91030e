import type { ClickHouse, Row } from '../../../platform/clickhouse/port.ts';
import type { HashPair } from '../audit/hash-pair.ts';
import { rowTextSql, type Column } from '../audit/row-sql.ts';

export interface RepairedTable {
  readonly table: string;
  readonly columns: readonly Column[];
  /** Columns that tell rows apart. */
  readonly key: readonly string[];
}

/** What a repair has done, or would do. */
export interface RepairCounts {
  /** Rows that were missing or read otherwise. */
  written: number;
  /** Rows that nobody has said. */
  deleted: number;
}

const BATCH = 5000;
/** A mutation of a large table rewrites its parts. */
const MUTATION_TIMEOUT_MS = 3_600_000;
const PREFIX = 'rebuild_';
const WRONG = '_wrong';
const REMADE = '_remade';
const STAMPS = '_stamps';

/**
 * Puts single rows of a table right. What is to be written is gathered in a staging table, and which keys hold something
 * wrong in a second one; {@link publish} then takes the staged rows over, a partition at a time and each in one step, and
 * deletes what is wrong in one mutation. Readers never see less that is right than before. Cut off anywhere, what is done
 * is right already; a next run drops the staging tables and finds less to do.
 */
export class TableRepair {
  readonly counts: RepairCounts = { written: 0, deleted: 0 };
  readonly #clickhouse: ClickHouse;
  readonly #repaired: RepairedTable;
  readonly #isDry: boolean;
  readonly #staging: string;
  readonly #wrong: string;
  #isBegun = false;
  #rows: Row[] = [];
  #wrongs: Row[] = [];
  #hasWrong = false;

  /** @param options `isDry`: nothing is written, only counted */
  constructor(clickhouse: ClickHouse, repaired: RepairedTable, options: { readonly isDry: boolean }) {
    this.#clickhouse = clickhouse;
    this.#repaired = repaired;
    this.#isDry = options.isDry;
    this.#staging = PREFIX + repaired.table;
    this.#wrong = PREFIX + repaired.table + WRONG;
  }

  /** Whether there is anything to publish. */
  get hasWork(): boolean {
    return this.counts.written + this.counts.deleted > 0;
  }

  /** A row that its table lacks, or that reads otherwise there. */
  async put(row: Row): Promise<void> {
    this.counts.written += 1;
    if (this.#isDry) return;
    this.#rows.push(row);
    if (this.#rows.length >= BATCH) await this.#flush();
  }

  /** The rows of a select with all columns, which its table lacks or has otherwise. */
  async putFrom(select: string, count: number): Promise<void> {
    this.counts.written += count;
    if (this.#isDry || count === 0) return;
    await this.#begin();
    await this.#command(`INSERT INTO ${this.#staging} ${select}`);
  }

  /** A key where something is wrong. Other rows of it than the given one will be gone; all of them where none is given. */
  async wrong(key: HashPair, right: HashPair | undefined): Promise<void> {
    if (right === undefined) this.counts.deleted += 1;
    if (this.#isDry) return;
    this.#wrongs.push({ ka: key.a, kb: key.b, ra: right?.a ?? 0, rb: right?.b ?? 0 });
    if (this.#wrongs.length >= BATCH) await this.#flush();
  }

  /** Rows of no account. @param condition in SQL */
  async wrongWhere(condition: string, count: number): Promise<void> {
    this.counts.deleted += count;
    if (this.#isDry) return;
    await this.#begin();
    const { table } = this.#repaired;
    this.#hasWrong = true;
    await this.#clickhouse.command(
      `INSERT INTO ${this.#wrong} SELECT ${this.#keyHash()}, 0, 0 FROM ${table} FINAL WHERE ${condition}`,
      { timeoutMs: MUTATION_TIMEOUT_MS },
    );
  }

  /** Makes the table right; resolves when readers see it so. */
  async publish(): Promise<void> {
    if (this.#isDry || !this.hasWork) return;
    await this.#flush();
    const { table } = this.#repaired;
    const partitions = await this.#clickhouse.query<{ id: string }>(
      'SELECT DISTINCT partition_id AS id FROM system.parts WHERE active AND database = {d:String} AND table = {t:String} ORDER BY id',
      { params: { d: this.#clickhouse.database, t: this.#staging } },
    );
    for (const { id } of partitions)
      await this.#command(`ALTER TABLE ${table} ATTACH PARTITION ID '${id}' FROM ${this.#staging}`);
    if (this.#hasWrong) await this.#deleteWrong();
    await this.close();
  }

  /** Drops what was staged. */
  async close(): Promise<void> {
    if (!this.#isBegun) return;
    await this.#drop();
    this.#isBegun = false;
    this.#hasWrong = false;
  }

  async #deleteWrong(): Promise<void> {
    const { table, columns } = this.#repaired;
    const wrong = `${this.#clickhouse.database}.${this.#wrong}`;
    const row = rowTextSql(columns);
    await this.#command(
      `ALTER TABLE ${table} DELETE WHERE (${this.#keyHash()}) IN (SELECT ka, kb FROM ${wrong})
        AND (${this.#keyHash()}, murmurHash3_32(${row}), xxHash32(${row})) NOT IN (SELECT ka, kb, ra, rb FROM ${wrong})`,
      { mutations_sync: 2, allow_nondeterministic_mutations: 1 },
    );
  }

  async #flush(): Promise<void> {
    await this.#begin();
    const [rows, wrongs] = [this.#rows, this.#wrongs];
    [this.#rows, this.#wrongs] = [[], []];
    this.#hasWrong ||= wrongs.length > 0;
    if (rows.length > 0) await this.#clickhouse.insert(this.#staging, rows);
    if (wrongs.length > 0) await this.#clickhouse.insert(this.#wrong, wrongs);
  }

  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    this.#isBegun = true;
    await this.#drop();
    await this.#command(`CREATE TABLE ${this.#staging} AS ${this.#repaired.table}`);
    await this.#command(
      `CREATE TABLE ${this.#wrong} (ka UInt32, kb UInt32, ra UInt32, rb UInt32) ENGINE = MergeTree ORDER BY (ka, kb)`,
    );
  }

  async #drop(): Promise<void> {
    for (const name of [this.#staging, this.#wrong]) await this.#command(`DROP TABLE IF EXISTS ${name} SYNC`);
  }

  #keyHash(): string {
    const { columns, key } = this.#repaired;
    const types = new Map(columns.map((column) => [column.name, column]));
    const text = rowTextSql(key.map((name) => types.get(name) ?? { name, type: 'String' }));
    return `murmurHash3_32(${text}), xxHash32(${text})`;
  }

  #command(sql: string, settings: Readonly<Record<string, number>> = {}): Promise<void> {
    return this.#clickhouse.command(sql, { timeoutMs: MUTATION_TIMEOUT_MS, settings });
  }
}

/** Drops the staging tables of runs that were cut off. @returns their names */
export async function dropLeftovers(
  clickhouse: ClickHouse,
  tables: readonly string[],
): Promise<readonly string[]> {
  const names = tables.flatMap((table) => [
    ...[PREFIX + table, PREFIX + table + WRONG],
    ...[remadeTable(table), stampsTable(table)],
  ]);
  const found = await clickhouse.query<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = {d:String} AND has({names:Array(String)}, name)',
    { params: { d: clickhouse.database, names } },
  );
  for (const { name } of found) await clickhouse.command(`DROP TABLE IF EXISTS ${name} SYNC`);
  return found.map(({ name }) => name);
}

/** Where the rows of a second run are gathered. */
export function remadeTable(table: string): string {
  return PREFIX + table + REMADE;
}

/** What the columns that the engine adds must be in rows of a second run. */
export function stampsTable(table: string): string {
  return PREFIX + table + STAMPS;
}
