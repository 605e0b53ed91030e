import { hashText, type HashPair } from '../audit/hash-pair.ts';
import { COLUMN_END } from '../audit/row-text.ts';

/** What the engine adds to a row that depends on when it was said. */
export interface Stamp {
  /** Epoch ms. */
  readonly emittedAtMs: number;
  /** Undefined in tables without this column. */
  readonly reason: string | undefined;
}

export interface StampSearch {
  /** Names of the columns in the order of the texts. */
  readonly columns: readonly string[];
  readonly version: number;
  /** Hash that the row must have. */
  readonly row: HashPair;
  /** Log time of the commit that said it, epoch ms. */
  readonly atMs: number;
  /** Times at which other rows of the commit were said: tried first. */
  readonly known: Iterable<number>;
  /** Whether to look further than those. */
  readonly isThorough: boolean;
}

/** Why rows are written (step-result.ts). */
const REASONS = ['update', 'early', 'watermark', 'idle', 'correction', 'retraction'];
/** A row is said before its commit, which may have waited for a sink. */
const BEFORE_COMMIT_MS = 20_000;
const CLOCK_SKEW_MS = 50;

/**
 * Finds when and why a row was said, given the text of its cells from a second run and the hash that its task put down:
 * the hash covers both. A match is a proof of the whole row, but for one chance in 2^64 for each try. At most some
 * hundred thousand tries.
 */
export function matchStamp(cells: readonly string[], search: StampSearch): Stamp | undefined {
  const { columns, version } = search;
  const own = [...cells];
  own[columns.indexOf('version')] = String(version);
  const at = columns.indexOf('reason');
  const reasons = at < 0 ? [undefined] : [cells[at] ?? '', ...REASONS.filter((one) => one !== cells[at])];
  for (const times of [search.known, search.isThorough ? timesBefore(search.atMs) : []]) {
    for (const reason of reasons) {
      if (reason !== undefined) own[at] = reason;
      const emittedAtMs = matchTime(own, search, times);
      if (emittedAtMs !== undefined) return { emittedAtMs, reason };
    }
  }
  return undefined;
}

/** Hash of the row that its cells and a stamp make. */
export function stampedHash(
  cells: readonly string[],
  { columns, version }: Pick<StampSearch, 'columns' | 'version'>,
): HashPair {
  const own = [...cells];
  own[columns.indexOf('version')] = String(version);
  const hash = { a: 0, b: 0 };
  hashText(own.map((cell) => cell + COLUMN_END).join(''), hash);
  return hash;
}

function matchTime(
  cells: readonly string[],
  { columns, row }: StampSearch,
  times: Iterable<number>,
): number | undefined {
  const at = columns.indexOf('emitted_at');
  const textOf = (some: readonly string[]) => some.map((cell) => cell + COLUMN_END).join('');
  const before = textOf(cells.slice(0, at));
  const after = COLUMN_END + textOf(cells.slice(at + 1));
  const hash = { a: 0, b: 0 };
  for (const time of times) {
    hashText(`${before}${time}${after}`, hash);
    if (hash.a === row.a && hash.b === row.b) return time;
  }
  return undefined;
}

/** Can be gone through again and again. */
function timesBefore(atMs: number): Iterable<number> {
  return {
    *[Symbol.iterator]() {
      for (let time = atMs + CLOCK_SKEW_MS; time > atMs - BEFORE_COMMIT_MS; time--) yield time;
    },
  };
}
