import { hasCode } from '../../../platform/errors.ts';
import type { LogReader } from '../../../platform/kafka/log-reader.ts';
import type { LogRecord } from '../../../platform/kafka/port.ts';
import { storeKeyOf, storeOf, writtenMsOf } from './changelog-key.ts';
import { rangesOf, type Changelog, type LogRange } from './changelogs.ts';
import { findLive, liveRecords, type LiveState } from './live-entries.ts';
import { layoutOf, readableValue } from './readable-value.ts';

/** An entry of the state as a line of an export. */
export interface ExportedEntry {
  readonly subtopology: string;
  readonly partition: number;
  readonly store: string;
  readonly key: string;
  /** When its commit was written, ISO text, UTC. */
  readonly written: string;
  /** Event time of the write, where the store keeps it. */
  readonly eventTime?: string;
  /** What it is; absent where its codec is not known. */
  readonly value?: unknown;
  /** Its bytes, where its codec is not known. */
  readonly base64?: string;
}

export interface ExportOptions {
  /** The store that is wanted; all where absent. */
  readonly store?: string;
  /** Told how many offsets were read since the last call; each task is read twice. */
  readonly onRead?: (offsets: number) => void;
}

/** Reads of a task that were outrun by its commits before the export gives up. */
const ATTEMPTS = 3;

/**
 * All entries of a sub-topology, each task as of one of its commits, in the order of their last writes.
 * @throws MillraceError MR_STATE_MOVED, MR_STATE_REPLACING
 */
export async function* exportState(
  log: LogReader,
  changelog: Changelog,
  { store, onRead }: ExportOptions = {},
): AsyncGenerator<ExportedEntry, undefined> {
  const { subtopology } = changelog;
  for (const range of rangesOf(changelog)) {
    const live = await findAgain(log, range, readCounter(range, onRead));
    if (live === undefined) continue;
    const { partition } = range;
    for await (const record of liveRecords(log, live, readCounter(live.range, onRead))) {
      if (record.key === null || (store !== undefined && storeOf(record.key) !== store)) continue;
      yield { subtopology, partition, ...exported(record, live) };
    }
  }
}

/** Turns offsets that reading has reached into how many it has come on. */
export function readCounter(
  { start }: LogRange,
  onRead: ((offsets: number) => void) | undefined,
): (offset: number) => void {
  let at = start;
  return (offset) => {
    onRead?.(offset - at);
    at = offset;
  };
}

async function findAgain(log: LogReader, range: LogRange, onRead: (offset: number) => void) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await findLive(log, attempt === 1 ? range : await currentRange(log, range), onRead);
    } catch (error) {
      if (attempt === ATTEMPTS || !hasCode(error, 'MR_STATE_MOVED')) throw error;
    }
  }
}

async function currentRange(log: LogReader, range: LogRange): Promise<LogRange> {
  const ranges = (await log.offsets([range.topic])).get(range.topic);
  return { ...range, ...ranges?.find(({ partition }) => partition === range.partition) };
}

function exported(record: LogRecord, { meta }: LiveState): Omit<ExportedEntry, 'subtopology' | 'partition'> {
  const { store, key } = storeKeyOf(record.key ?? Buffer.alloc(0));
  const layout = layoutOf(store, meta);
  const { writtenMs, eventTimeMs } = writtenMsOf(record);
  const readable = readableValue(record.value ?? Buffer.alloc(0), layout);
  return {
    ...{ store, key, written: new Date(writtenMs).toISOString() },
    ...(eventTimeMs === undefined ? {} : { eventTime: new Date(eventTimeMs).toISOString() }),
    ...(readable.kind === 'bytes' ? { base64: readable.value } : { value: readable.value }),
  };
}
