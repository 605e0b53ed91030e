import { MillraceError } from '../../../platform/errors.ts';
import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { isReplacing } from '../state/compatibility.ts';
import { replacingState } from '../state/state-fault.ts';
import { decodeMeta, isMeta, type TaskMeta } from '../state/task-meta.ts';
import { storeOf } from './changelog-key.ts';
import { recordsOf, type LogRange } from './changelogs.ts';

/** The state of a task as of one of its commits: what it says of itself, and where its entries are. */
export interface LiveState {
  readonly range: LogRange;
  readonly meta: TaskMeta;
  /** Offset of the last record of each entry that is there. Memory: one key for each, as compaction takes it. */
  readonly offsets: ReadonlyMap<string, number>;
}

/**
 * Finds the entries of a task that are there at the end of a range, which must be the end of a commit.
 * @returns undefined where the task has never committed
 * @throws MillraceError MR_STATE_MOVED where the changelog was compacted beyond the range meanwhile,
 * MR_STATE_REPLACING
 */
export async function findLive(
  log: LogReader,
  range: LogRange,
  onRead?: (offset: number) => void,
): Promise<LiveState | undefined> {
  const offsets = new Map<string, number>();
  let meta: { readonly offset: number; readonly value: TaskMeta } | undefined;
  let last = -1;
  for await (const records of recordsOf(log, range, onRead)) {
    for (const { key, value, offset } of records) {
      if (key === null) continue;
      last = offset;
      if (isMeta(key)) meta = value === null ? meta : { offset, value: decodeMeta(value) };
      else note(offsets, key, value === null ? undefined : offset);
    }
  }
  if (last === -1) return undefined;
  if (meta !== undefined && isReplacing(meta.value))
    throw replacingState(`${range.topic}/${range.partition}`);
  // The meta is the last record of a commit. A newer one may have had it compacted away, with entries of its commit.
  if (meta?.offset !== last || !isWhole(offsets, meta.value)) throw moved(range);
  return { range, meta: meta.value, offsets };
}

/**
 * The entries of a task in the order of their last writes, each once.
 * @throws MillraceError MR_STATE_MOVED where one was overwritten and compacted away meanwhile
 */
export async function* liveRecords(
  log: LogReader,
  { range, offsets }: LiveState,
  onRead?: (offset: number) => void,
): AsyncGenerator<LogRecord, undefined> {
  let count = 0;
  for await (const records of recordsOf(log, range, onRead)) {
    for (const record of records) {
      if (record.key === null || offsets.get(keyOf(record.key)) !== record.offset) continue;
      count += 1;
      yield record;
    }
  }
  if (count < offsets.size) throw moved(range);
}

/** A key as text that stands for its bytes one to one. */
export function keyOf(key: Buffer): string {
  return key.toString('latin1');
}

/** The order of the map does not matter: records are given in the order of the log. */
function note(offsets: Map<string, number>, key: Buffer, offset: number | undefined): void {
  const text = keyOf(key);
  if (offset === undefined) offsets.delete(text);
  else offsets.set(text, offset);
}

/** Each commit says how many entries each store has: one that is missing is noticed. */
function isWhole(offsets: ReadonlyMap<string, number>, { stores }: TaskMeta): boolean {
  if (stores === undefined) return true;
  const counts = new Map<string, number>();
  for (const key of offsets.keys()) {
    const store = storeOf(Buffer.from(key, 'latin1'));
    counts.set(store, (counts.get(store) ?? 0) + 1);
  }
  return Object.entries(stores).every(([store, { entries }]) => (counts.get(store) ?? 0) === entries);
}

function moved({ topic, partition }: LogRange): MillraceError {
  return new MillraceError(
    'MR_STATE_MOVED',
    `${topic}/${partition} was written and compacted while it was read`,
    { context: { topic, partition } },
  );
}
