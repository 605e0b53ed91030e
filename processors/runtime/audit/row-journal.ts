import type { Row } from '../../../platform/clickhouse/port.ts';
import type { VersionedTable } from '../../../schemas/tables.ts';
import type { LedgerChange } from './bucket-ledger.ts';
import type { HashPair } from './hash-pair.ts';
import { hashRow } from './row-text.ts';

/** Rows of the journal stay for an auditor to read at least so long, unless there are too many. */
const KEPT_MS = 10 * 60_000;
const MAX_BYTES = 8 * 1024 * 1024;
const TWO_32 = 2 ** 32;
const WORDS = 6;

/** In the place of the hash of a row: it takes its key back, or its table has refused it. */
const RETRACTED: HashPair = { a: 0, b: 0 };
const REFUSED: HashPair = { a: 0, b: 1 };

/** What a task said of one key of a versioned table. */
export interface JournalRow {
  /** Hash of the key. */
  readonly key: HashPair;
  /** Hash of the whole row; undefined where it takes the key back. */
  readonly row: HashPair | undefined;
  readonly version: number;
  /** The table has refused the row of this version that was said before: what it had of the key stays. */
  readonly isRefused: boolean;
}

interface Chunk {
  readonly key: string;
  readonly bytes: number;
  readonly writtenMs: number;
}

/**
 * The rows of versioned tables that a task wrote lately, as hashes: one chunk for each table and commit, 24 bytes a row.
 * Chunks are numbered, so that who reads them knows whether any is missing.
 */
export class RowJournal {
  #chunks: Chunk[] = [];
  #bytes = 0;
  #number = 0;
  #fresh: LedgerChange[] = [];
  readonly #columns = new Map<string, readonly string[]>();
  readonly #key: HashPair = { a: 0, b: 0 };
  readonly #row: HashPair = { a: 0, b: 0 };

  /** Takes the rows of a commit, in the order of their versions: the last one of a key counts. */
  add(table: string, rows: readonly Row[], shape: VersionedTable): void {
    this.#push(table, rows, (row) => {
      hashRow(row, shape.key, this.#key);
      hashRow(row, this.#columnsOf(table, row), this.#row);
      return isRetracted(row, shape) ? RETRACTED : this.#row;
    });
  }

  /** Takes rows of this commit or the one before that their table has refused. */
  refused(table: string, rows: readonly Row[], shape: VersionedTable): void {
    this.#push(table, rows, (row) => {
      hashRow(row, shape.key, this.#key);
      return REFUSED;
    });
  }

  takeChanges(nowMs: number): LedgerChange[] {
    const changes = this.#fresh;
    this.#fresh = [];
    for (const { key, value } of changes) this.#note({ key, bytes: value?.length ?? 0, writtenMs: nowMs });
    while (this.#isTooMuch(nowMs)) {
      const [oldest] = this.#chunks;
      if (oldest === undefined) break;
      this.#chunks.shift();
      this.#bytes -= oldest.bytes;
      changes.push({ key: oldest.key, value: null });
    }
    return changes;
  }

  restore(key: string, value: Buffer | null, writtenMs: number): void {
    this.#number = Math.max(this.#number, chunkNumber(key) + 1);
    if (value !== null) {
      this.#note({ key, bytes: value.length, writtenMs });
      return;
    }
    const gone = this.#chunks.find((chunk) => chunk.key === key);
    this.#bytes -= gone?.bytes ?? 0;
    this.#chunks = this.#chunks.filter((chunk) => chunk !== gone);
  }

  /** @param hashOf leaves the hash of the key in `#key` */
  #push(table: string, rows: readonly Row[], hashOf: (row: Row) => HashPair): void {
    const packed = new Uint32Array(rows.length * WORDS);
    let at = 0;
    for (const row of rows) {
      const { a, b } = hashOf(row);
      const version = row['version'] as number;
      packed[at++] = this.#key.a;
      packed[at++] = this.#key.b;
      packed[at++] = a;
      packed[at++] = b;
      packed[at++] = version % TWO_32;
      packed[at++] = Math.floor(version / TWO_32);
    }
    this.#fresh.push({ key: `${table}|${this.#number++}`, value: Buffer.from(packed.buffer) });
  }

  #note(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.bytes;
  }

  #isTooMuch(nowMs: number): boolean {
    const [oldest] = this.#chunks;
    if (oldest === undefined || this.#chunks.length === 1) return false;
    return this.#bytes > MAX_BYTES || oldest.writtenMs < nowMs - KEPT_MS;
  }

  #columnsOf(table: string, row: Row): readonly string[] {
    let columns = this.#columns.get(table);
    if (columns === undefined) this.#columns.set(table, (columns = Object.keys(row).sort()));
    return columns;
  }
}

function isRetracted(row: Row, { retracted }: VersionedTable): boolean {
  return retracted !== undefined && row[retracted] === 1;
}

export function chunkNumber(key: string): number {
  return Number(key.slice(key.indexOf('|') + 1));
}

/** The rows of a chunk. */
export function* rowsOfChunk(packed: Buffer): Generator<JournalRow> {
  const word = (at: number) => packed.readUInt32LE(at);
  for (let at = 0; at < packed.length; at += WORDS * 4) {
    const row = { a: word(at + 8), b: word(at + 12) };
    yield {
      key: { a: word(at), b: word(at + 4) },
      row: isSame(row, RETRACTED) ? undefined : row,
      isRefused: isSame(row, REFUSED),
      version: word(at + 20) * TWO_32 + word(at + 16),
    };
  }
}

function isSame(x: HashPair, y: HashPair): boolean {
  return x.a === y.a && x.b === y.b;
}
