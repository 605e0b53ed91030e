import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../log.ts';
import { LogState } from './log-state.ts';
import type { MetaOperation, SegmentNote } from './meta-operation.ts';
import { unfinishedRepair } from './repair-folder.ts';
import { indexFits, readIndex, tryWriteIndex } from './segment-index.ts';
import { scanSegment } from './segment-scan.ts';
import { SegmentWriter, SNAPSHOT_COPIES, syncDirectory } from './segment-writer.ts';
import {
  corruptFile,
  indexPath,
  newIdentity,
  readIdentity,
  removeSegmentFiles,
  Segment,
  segmentPath,
  type SegmentIdentity,
  type TableLoader,
} from './segment.ts';

export interface RecoveryOptions {
  readonly dir: string;
  readonly fsync: boolean;
  readonly log: Logger;
  readonly loadTable: TableLoader;
}

export interface Recovered {
  readonly state: LogState;
  /** In id order. */
  readonly closed: readonly Segment[];
  readonly active: SegmentWriter;
}

/**
 * Brings the log back: closed segments by their index, the active one by reading it, so that the time to start does not
 * grow with the log. A torn tail is cut off; damage that is found rejects with MR_LOG_CORRUPT and changes nothing.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { dir, fsync } = options;
  const unfinished = unfinishedRepair(dir);
  if (unfinished !== undefined)
    throw corruptFile(unfinished, 0, 'a repair of the log did not come to its end');
  const { kept, covered } = listSegments(dir);
  const newest = kept.pop();
  const state = new LogState();
  if (newest === undefined) return startEmpty(state, options);
  const segment = new Segment(dir, newest, options.loadTable);
  const operations: MetaOperation[] = [];
  const { frames, tornBytes } = scanSegment(segment, (operation) => operations.push(operation));
  if (indexFits(segment)) throw segment.corrupt('the segment after this one is missing', segment.bytes);
  if (operations[0]?.op !== 'snapshot') throw segment.corrupt('the newest segment has no snapshot', 0);
  for (const operation of operations) state.apply(operation);
  const live = requireSegments(dir, kept, state.segments);
  const closed = live.map((identity) => openClosed(identity, options, state.segments));
  for (const part of [...closed, segment]) attach(state, part);
  state.noteSegments(closed.map(noteOf));
  if (tornBytes > 0) {
    options.log.info({ tornBytes }, 'cut off an unfinished write at the end of the log');
    cutOff(segment, fsync);
  }
  const leftovers = kept.filter((identity) => !live.includes(identity));
  clean(dir, [...covered, ...leftovers]);
  return { state, closed, active: SegmentWriter.reopen(segment, { fsync, frames }) };
}

async function startEmpty(state: LogState, options: RecoveryOptions): Promise<Recovered> {
  const { dir, fsync } = options;
  const index = readdirSync(dir).find((name) => /^\d{16}\.idx$/.test(name));
  if (index !== undefined) throw corruptFile(join(dir, index), 0, 'the segments of the log are missing');
  clean(dir, []);
  const segment = new Segment(dir, newIdentity(1), options.loadTable);
  return { state, closed: [], active: await startSegment(segment, state, { fsync }) };
}

/** What the state keeps of a closed segment. */
export function noteOf(segment: Segment): SegmentNote {
  return { id: segment.id, nonce: segment.identity.nonce, bytes: segment.bytes };
}

/**
 * The segments of these that hold something of the log: those that the state knows, and those whose rewriting was over
 * before the state heard of it. Throws MR_LOG_CORRUPT where one is missing or has another size.
 */
function requireSegments(
  dir: string,
  found: readonly SegmentIdentity[],
  known: readonly SegmentNote[],
): SegmentIdentity[] {
  const live = new Set<SegmentIdentity>();
  for (const { id, nonce, bytes } of known) {
    const path = segmentPath(dir, id);
    const holder = found.find((identity) => identity.id <= id && id <= identity.coversTo);
    if (holder === undefined) throw corruptFile(path, 0, 'a segment of the log is missing');
    live.add(holder);
    if (holder.nonce !== nonce) continue;
    const size = statSync(path).size;
    if (size !== bytes)
      throw corruptFile(path, Math.min(size, bytes), `a segment of the log has ${size} bytes, not ${bytes}`);
  }
  return found.filter((identity) => live.has(identity));
}

function attach(state: LogState, segment: Segment): void {
  for (const part of segment.parts.values()) {
    state.topicById(part.topicId)?.partitions[part.partition]?.attach(segment);
  }
}

/** A new segment that begins with the whole state; `closing` is the one before it. */
export async function startSegment(
  segment: Segment,
  state: LogState,
  options: { readonly fsync: boolean; readonly closing?: SegmentNote },
): Promise<SegmentWriter> {
  const writer = SegmentWriter.create(segment, options);
  try {
    const operation = { op: 'snapshot', state: state.snapshot(options.closing) } as const;
    // Twice: all that is known of topics and offsets hangs on it.
    for (let copy = 1; copy <= SNAPSHOT_COPIES; copy++) writer.note(await writer.append([], [operation]));
    await writer.publish();
    return writer;
  } catch (error) {
    writer.discard();
    throw error;
  }
}

function openClosed(
  identity: SegmentIdentity,
  options: RecoveryOptions,
  known: readonly SegmentNote[],
): Segment {
  const segment = new Segment(options.dir, identity, options.loadTable);
  const { size } = statSync(segmentPath(options.dir, identity.id));
  if (readIndex(segment, size)) return segment;
  const { tornBytes } = scanSegment(segment);
  const isKnown = known.some(({ nonce }) => nonce === identity.nonce);
  if (tornBytes > 0 || (isKnown && segment.bytes !== size))
    throw segment.corrupt('a closed segment of the log is damaged', segment.bytes);
  tryWriteIndex(segment, options.log);
  return segment;
}

/** Segments in id order; `covered` are those whose records a rewritten one holds. */
export function listSegments(dir: string): { kept: SegmentIdentity[]; covered: SegmentIdentity[] } {
  const kept: SegmentIdentity[] = [];
  const covered: SegmentIdentity[] = [];
  const names = readdirSync(dir).filter((name) => /^\d{16}\.log$/.test(name));
  for (const name of names.sort()) {
    const identity = readIdentity(join(dir, name));
    if (identity.id > (kept.at(-1)?.coversTo ?? 0)) kept.push(identity);
    else covered.push(identity);
  }
  return { kept, covered };
}

function cutOff(segment: Segment, fsync: boolean): void {
  const path = segmentPath(segment.dir, segment.id);
  truncateSync(path, segment.bytes);
  if (!fsync) return;
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes segments, and what a killed process left half done. */
function clean(dir: string, segments: readonly SegmentIdentity[]): void {
  const names = readdirSync(dir);
  const unfinished = names.filter((name) => /^\d{16}\.(log|idx)\.tmp$/.test(name));
  for (const name of unfinished) rmSync(join(dir, name));
  for (const { id } of segments) removeSegmentFiles(dir, id);
  const isOrphan = (id: number) => existsSync(indexPath(dir, id)) && !existsSync(segmentPath(dir, id));
  const orphans = names.filter((name) => /^\d{16}\.idx$/.test(name)).map((name) => Number(name.slice(0, 16)));
  for (const id of orphans) if (isOrphan(id)) removeSegmentFiles(dir, id);
  if (unfinished.length + segments.length > 0) syncDirectory(dir);
}
