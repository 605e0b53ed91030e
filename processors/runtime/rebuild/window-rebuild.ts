import type { ClickHouse, Row } from '../../../platform/clickhouse/port.ts';
import { MillraceError } from '../../../platform/errors.ts';
import { VERSIONED_TABLES } from '../../../schemas/tables.ts';
import { chunks } from '../audit/chunks.ts';
import { columnsOf } from '../audit/fact-table.ts';
import type { HashPair } from '../audit/hash-pair.ts';
import { hashRow } from '../audit/row-text.ts';
import { keyId, keyOfId, type Claim, type TableClaims } from './claims.ts';
import { emptyReport, type RebuildEvents, type RebuildReport } from './report.ts';
import { TableRepair } from './table-repair.ts';
import { WindowRows, type ComparedRow, type Slice } from './window-rows.ts';

export interface WindowRebuildOptions extends RebuildEvents {
  readonly clickhouse: ClickHouse;
  readonly isDry: boolean;
}

const AT_ONCE = 200;
const SLICE_ROWS = 200_000;

/** One window table under rebuild: what is right in it, what is not, and what was found to put in its place. */
export class WindowRebuild {
  readonly rows: WindowRows;
  readonly repair: TableRepair;
  readonly claims: TableClaims;
  readonly report: RebuildReport = { ...emptyReport(), tables: 1 };
  /** Rows that their tasks have said, that are not there, and that nothing has given back yet. */
  readonly lost = new Map<string, Claim>();
  readonly #options: WindowRebuildOptions;
  readonly #key: readonly string[];

  private constructor(
    rows: WindowRows,
    { claims, options }: { readonly claims: TableClaims; readonly options: WindowRebuildOptions },
  ) {
    const { table, columns } = rows;
    this.rows = rows;
    this.claims = claims;
    this.#options = options;
    this.#key = VERSIONED_TABLES[table]?.key ?? [];
    this.repair = new TableRepair(options.clickhouse, { table, columns, key: this.#key }, options);
  }

  /** @throws MillraceError MR_AUDIT_TABLE_UNKNOWN */
  static async open(
    table: string,
    { claims, ...options }: WindowRebuildOptions & { readonly claims: TableClaims },
  ): Promise<WindowRebuild> {
    const { clickhouse } = options;
    const shape = VERSIONED_TABLES[table] ?? { key: [] };
    const rows = new WindowRows(clickhouse, { table, shape, columns: await columnsOf(clickhouse, table) });
    return new WindowRebuild(rows, { claims, options });
  }

  get table(): string {
    return this.rows.table;
  }

  /** Holds the table against the journals: what is of nobody is deleted, what is missing or altered is lost for now. */
  async compare(): Promise<void> {
    const missing = new Set<string>();
    for (const [id, { row }] of this.claims.byKey) if (row !== undefined) missing.add(id);
    const altered: string[] = [];
    for await (const row of this.#found()) {
      const claim = this.claims.byKey.get(row.id);
      missing.delete(row.id);
      if (claim === undefined ? this.claims.isWhole : claim.row === undefined)
        await this.repair.wrong(row.key, undefined);
      else if (claim?.row !== undefined && !isEqual(claim.row, row.row)) altered.push(row.id);
      else this.#checked();
    }
    for (const id of [...missing, ...altered]) this.#lose(id);
    await this.#uncover();
  }

  /** Takes rows that a state still holds as they were said. */
  async solveFrom(rows: readonly Row[]): Promise<void> {
    const names = this.rows.columns.map(({ name }) => name);
    for (const row of rows) {
      const id = keyId(hashOf(row, this.#key));
      const claim = this.lost.get(id);
      if (claim?.row === undefined || !isEqual(hashOf(row, names), claim.row)) continue;
      await this.repair.put(row);
      await this.found(id, claim.row);
    }
  }

  /** A lost row is on its way into the table. */
  async found(id: string, row: HashPair): Promise<void> {
    this.lost.delete(id);
    await this.repair.wrong(keyOfId(id), row);
    this.#checked();
  }

  /** Makes the table right as far as was found how, and tells what is left. */
  async publish(): Promise<RebuildReport> {
    const { isDry, onUnsettled, onStep, requireStopped } = this.#options;
    for (const [id, { version }] of this.lost) {
      const place = `key ${id}, version ${version}`;
      const reason =
        'its task has said a row that neither its state nor a second run over the log gives back';
      onUnsettled({ table: this.table, place, reason });
    }
    this.report.unproven += this.lost.size;
    if (this.repair.hasWork) await requireStopped();
    const hasWork = this.repair.hasWork && !isDry;
    if (hasWork) onStep(`putting ${this.table} right`);
    await this.repair.publish();
    if (hasWork) await this.#requireRight();
    this.report.rowsWritten = this.repair.counts.written;
    this.report.rowsDeleted = this.repair.counts.deleted;
    return this.report;
  }

  /** The parts in which a table is gone through, so that not all of it is in memory. */
  async slices(): Promise<readonly Slice[]> {
    const [count] = await this.#options.clickhouse.query<{ n: number }>(
      `SELECT count() AS n FROM ${this.table}`,
    );
    const of = Math.ceil(((count?.n ?? 0) + 1) / SLICE_ROWS);
    return Array.from({ length: of }, (_, index) => ({ index, of }));
  }

  async *#found(): AsyncGenerator<ComparedRow, undefined> {
    for (const slice of await this.slices()) yield* await this.rows.found(slice);
  }

  /** Rows that are there and only hidden by something of nobody. */
  async #uncover(): Promise<void> {
    for (const ids of chunks([...this.lost.keys()], AT_ONCE))
      for (const { id, row } of await this.rows.hidden(ids.map(keyOfId))) {
        const claim = this.lost.get(id);
        if (claim?.row === undefined || !isEqual(claim.row, row)) continue;
        this.repair.counts.deleted += 1;
        await this.found(id, row);
      }
  }

  #lose(id: string): void {
    const claim = this.claims.byKey.get(id);
    if (claim !== undefined) this.lost.set(id, claim);
  }

  #checked(): void {
    this.report.rowsChecked += 1;
    this.#options.onProgress(this.table, this.report.rowsChecked);
  }

  /** The proof, after the fact: what the journals say is what readers see. */
  async #requireRight(): Promise<void> {
    const missing = new Set<string>();
    for (const [id, { row }] of this.claims.byKey)
      if (row !== undefined && !this.lost.has(id)) missing.add(id);
    for await (const { id, row } of this.#found()) {
      const claim = this.claims.byKey.get(id);
      if (claim === undefined ? !this.claims.isWhole : claim.row !== undefined && isEqual(claim.row, row))
        missing.delete(id);
      else if (!this.lost.has(id)) missing.add(id);
    }
    if (missing.size === 0) return;
    throw new MillraceError(
      'MR_REBUILD_CONTESTED',
      `${this.table} is not as it was rebuilt: ${missing.size} rows differ`,
      { context: { table: this.table, rows: missing.size } },
    );
  }
}

export function isEqual(x: HashPair, y: HashPair): boolean {
  return x.a === y.a && x.b === y.b;
}

function hashOf(row: Row, columns: readonly string[]): HashPair {
  const hash = { a: 0, b: 0 };
  hashRow(row, columns, hash);
  return hash;
}
