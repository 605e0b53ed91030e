import type { BinaryDatabase } from 'lmdb';
import type { SpillEntry, SpillRange } from './port.ts';
import { beginningOf, isLong, rangeEnd, rangeStart, unpackLong, type StoredKey } from './stored-key.ts';

export type EntryDatabase = BinaryDatabase<StoredKey, string | undefined>;

export interface WalkSource {
  /** The database, while it is open. */
  database(): EntryDatabase;
  /** Another number after each change. */
  changes(): number;
}

interface Chunk {
  readonly entries: readonly SpillEntry[];
  /** Nothing is behind them. */
  readonly isLast: boolean;
}

const FIRST_ENTRIES = 4;
const MOST_ENTRIES = 512;
/** Values are read ahead up to about this many bytes. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The entries of a range, read ahead in chunks and read again after a change. A cursor of the database is open only while
 * a chunk is read: one that stayed open would keep old pages from being used again, and skip the entry behind a deleted
 * one. Chunks begin small, since a caller that changes the map at each step makes each one the last of its use.
 */
export function* walkEntries(
  source: WalkSource,
  { start = '', end }: SpillRange,
): Generator<SpillEntry, undefined> {
  let next = start;
  let limit = FIRST_ENTRIES;
  for (;;) {
    const changes = source.changes();
    const { entries, isLast } = readChunk(source.database(), { start: next, end }, limit);
    for (const entry of entries) {
      yield entry;
      next = `${entry[0]}\0`; // the first key behind it
      if (source.changes() !== changes) break;
    }
    const isCurrent = source.changes() === changes;
    if (isCurrent && isLast) return undefined;
    limit = isCurrent ? Math.min(2 * limit, MOST_ENTRIES) : FIRST_ENTRIES;
  }
}

interface Bounds {
  readonly start: string;
  readonly end: string | undefined;
}

function readChunk(database: EntryDatabase, bounds: Bounds, limit: number): Chunk {
  const entries: SpillEntry[] = [];
  let bytes = 0;
  let hasLong = false;
  let isLast = true;
  const { start, end } = bounds;
  for (const { key, value } of database.getRange({
    start: rangeStart(start),
    end: end === undefined ? undefined : rangeEnd(end),
  })) {
    const entry = key === undefined ? unpackLong(value) : ([key, value] as const);
    const isFull = entries.length >= limit || bytes >= CHUNK_BYTES;
    if (isFull && !lieTogether(entries.at(-1), entry)) {
      isLast = false;
      break;
    }
    entries.push(entry);
    bytes += value.length;
    hasLong ||= key === undefined;
  }
  return { entries: hasLong ? sortAndCut(entries, bounds) : entries, isLast };
}

/** Whether two neighbours are long keys in the order of their digests, which must be sorted together. */
function lieTogether(previous: SpillEntry | undefined, [key]: SpillEntry): boolean {
  if (previous === undefined || !isLong(previous[0]) || !isLong(key)) return false;
  return beginningOf(previous[0]).equals(beginningOf(key));
}

function sortAndCut(entries: readonly SpillEntry[], { start, end }: Bounds): SpillEntry[] {
  const first = Buffer.from(start, 'utf8');
  const limit = end === undefined ? undefined : Buffer.from(end, 'utf8');
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry[0], 'utf8') }))
    .filter(({ key }) => key.compare(first) >= 0 && (limit === undefined || key.compare(limit) < 0))
    .toSorted((a, b) => a.key.compare(b.key))
    .map(({ entry }) => entry);
}
