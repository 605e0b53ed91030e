import type { Row } from '../../../platform/clickhouse/port.ts';
import { columnsOf, encodeRow } from '../../../platform/clickhouse/insert-statement.ts';
import type { Codec } from '../codec.ts';
import type { KeyedStore, StoreOptions } from './keyed-store.ts';

/** Rows by table. */
export type TableRows = ReadonlyMap<string, readonly Row[]>;

/** Name of the store among the others. */
export const OUTBOX = 'outbox';
/** Length of a part, in UTF-16 units, each at most three bytes: a record of the log has room for 1 MiB. */
const MAX_PART = 256 * 1024;

const text: Codec<string> = {
  name: 'text',
  encode: (value) => Buffer.from(value),
  decode: (bytes) => bytes.toString('utf8'),
};

/** A part is a line with table and columns, and a line for each row. */
export const OUTBOX_OPTIONS: StoreOptions<string> = { codec: text, layout: 'outbox' };

/**
 * The rows of the last commit that go to their tables after its transaction, and in it: whoever starts from that commit
 * says them again, so that none is lost and none is there that was never committed.
 */
export class Outbox {
  readonly #store: KeyedStore<string>;

  constructor(store: KeyedStore<string>) {
    this.#store = store;
  }

  /** The rows of the commit that is being made, in the place of those of the one before, which are in their tables. */
  put(rows: TableRows): void {
    let parts = 0;
    for (const [table, tableRows] of rows)
      for (const part of partsOf(table, tableRows)) this.#store.set(String(parts++), part);
    // Read first: it may shrink.
    for (let extra = this.#store.size - 1; extra >= parts; extra--) this.#store.delete(String(extra));
  }

  /** The rows of the commit that was restored. */
  owed(): TableRows {
    const rows = new Map<string, Row[]>();
    for (const [, part] of this.#store.entries()) {
      const { table, rows: ofPart } = readPart(part);
      const known = rows.get(table) ?? [];
      rows.set(table, known);
      for (const row of ofPart) known.push(row);
    }
    return rows;
  }
}

/** The rows of a part as it is in the changelog. */
export function readPart(part: string): { readonly table: string; readonly rows: readonly Row[] } {
  const [head = '', ...lines] = part.split('\n');
  const [table, columns] = JSON.parse(head) as [string, string[]];
  return { table, rows: lines.map((line) => rowOf(columns, JSON.parse(line) as unknown[])) };
}

function* partsOf(table: string, rows: readonly Row[]): Generator<string, undefined> {
  if (rows.length === 0) return;
  const columns = columnsOf(rows);
  const head = JSON.stringify([table, columns]);
  let lines = [head];
  let size = head.length;
  for (const row of rows) {
    const line = encodeRow(row, columns);
    if (lines.length > 1 && size + line.length > MAX_PART) {
      yield lines.join('\n');
      lines = [head];
      size = head.length;
    }
    lines.push(line);
    size += line.length + 1;
  }
  yield lines.join('\n');
}

/** Null stands for a value that was absent: both become the default of the column. */
function rowOf(columns: readonly string[], values: readonly unknown[]): Row {
  return Object.fromEntries(columns.map((column, index) => [column, values[index]]));
}
