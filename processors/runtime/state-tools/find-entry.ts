import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { decodeMeta, isMeta, type TaskMeta } from '../state/task-meta.ts';
import { storeOf, writtenMsOf } from './changelog-key.ts';
import { rangesOf, recordsOf, type Changelog, type LogRange } from './changelogs.ts';
import { layoutOf, readableValue, type ReadableValue } from './readable-value.ts';

/** An entry in the state of one task. */
export interface FoundEntry {
  readonly partition: number;
  /** When its commit was written, epoch ms. */
  readonly writtenMs: number;
  /** Event time of the write, where the store keeps it. */
  readonly eventTimeMs?: number;
  readonly layout: string | null;
  readonly bytes: number;
  readonly value: ReadableValue;
}

export interface Search {
  /** One for each task that has it: a store that is keyed locally may have a key in several. */
  readonly found: readonly FoundEntry[];
  /** Names of all stores that were seen, for whoever mistyped one. */
  readonly stores: readonly string[];
}

/** Looks for a key of a store in the changelogs of all tasks of a sub-topology. */
export async function findEntry(
  log: LogReader,
  changelog: Changelog,
  { store, key }: { readonly store: string; readonly key: string },
  onRead?: (offsets: number) => void,
): Promise<Search> {
  const wanted = Buffer.from(`${store}/${key}`);
  const found: FoundEntry[] = [];
  const stores = new Set<string>();
  for (const range of rangesOf(changelog)) {
    const { record, meta } = await lastOf(log, range, { wanted, stores, onRead });
    if (record?.value == null) continue;
    const { value } = record;
    const layout = layoutOf(store, meta);
    found.push({
      partition: range.partition,
      ...writtenMsOf(record),
      ...{ layout, bytes: value.length, value: readableValue(value, layout) },
    });
  }
  return { found, stores: [...stores].sort() };
}

interface Looking {
  readonly wanted: Buffer;
  readonly stores: Set<string>;
  readonly onRead: ((offsets: number) => void) | undefined;
}

async function lastOf(log: LogReader, range: LogRange, { wanted, stores, onRead }: Looking) {
  let last: LogRecord | undefined;
  let meta: TaskMeta | undefined;
  let at = range.start;
  const read = (offset: number) => {
    onRead?.(offset - at);
    at = offset;
  };
  for await (const records of recordsOf(log, range, read)) {
    for (const record of records) {
      if (record.key === null) continue;
      if (isMeta(record.key)) meta = record.value === null ? meta : decodeMeta(record.value);
      else if (record.key.equals(wanted)) last = record;
      else stores.add(storeOf(record.key));
    }
  }
  for (const name of Object.keys(meta?.stores ?? {})) stores.add(name);
  if (last !== undefined) stores.add(storeOf(wanted));
  return { record: last, meta };
}
