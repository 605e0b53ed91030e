import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { LogState } from './log-state.ts';
import type { MetaOperation } from './meta-operation.ts';
import { readIndex, tryWriteIndex } from './segment-index.ts';
import { scanSegment } from './segment-scan.ts';
import { SegmentWriter, syncDirectory } from './segment-writer.ts';
import {
  newIdentity,
  parseSegmentHeader,
  removeSegmentFiles,
  Segment,
  SEGMENT_HEADER_BYTES,
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
 * Brings the log back: closed segments by their index, the active one by reading it. A torn tail is cut off; damage
 * anywhere else rejects with MR_LOG_CORRUPT and changes nothing.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { dir, fsync } = options;
  const identities = listSegments(dir);
  const newest = identities.pop();
  const state = new LogState();
  if (newest === undefined) {
    const segment = new Segment(dir, newIdentity(1), options.loadTable);
    return { state, closed: [], active: await startSegment(segment, state, { fsync }) };
  }
  const closed = identities.map((identity) => openClosed(identity, options));
  const segment = new Segment(dir, newest, options.loadTable);
  const operations: MetaOperation[] = [];
  const { frames, tornBytes } = scanSegment(segment, (operation) => operations.push(operation));
  if (operations[0]?.op !== 'snapshot') throw segment.corrupt('the newest segment has no snapshot', 0);
  for (const operation of operations) state.apply(operation);
  for (const part of [...closed, segment]) attach(state, part);
  if (tornBytes > 0) {
    options.log.info({ tornBytes }, 'cut off an unfinished write at the end of the log');
    truncateSync(segmentPath(dir, segment.id), segment.bytes);
  }
  return { state, closed, active: SegmentWriter.reopen(segment, { fsync, frames }) };
}

function attach(state: LogState, segment: Segment): void {
  for (const part of segment.parts.values()) {
    state.topicById(part.topicId)?.partitions[part.partition]?.attach(segment);
  }
}

/** A new segment whose first frame is the whole state. */
export async function startSegment(
  segment: Segment,
  state: LogState,
  options: { readonly fsync: boolean },
): Promise<SegmentWriter> {
  const writer = SegmentWriter.create(segment, options);
  try {
    writer.note(await writer.append([], [{ op: 'snapshot', state: state.snapshot() }]));
    await writer.publish();
    return writer;
  } catch (error) {
    writer.close();
    throw error;
  }
}

function openClosed(identity: SegmentIdentity, options: RecoveryOptions): Segment {
  const segment = new Segment(options.dir, identity, options.loadTable);
  if (readIndex(segment, statSync(segmentPath(options.dir, identity.id)).size)) return segment;
  const { tornBytes } = scanSegment(segment);
  if (tornBytes > 0) throw segment.corrupt('a closed segment of the log is damaged', segment.bytes);
  tryWriteIndex(segment, options.log);
  return segment;
}

/** Segments in id order, after removing what a killed process left half done. */
function listSegments(dir: string): SegmentIdentity[] {
  const names = readdirSync(dir);
  const unfinished = names.filter((name) => /^\d{16}\.(log|idx)\.tmp$/.test(name));
  for (const name of unfinished) rmSync(join(dir, name));
  const identities = names
    .filter((name) => /^\d{16}\.log$/.test(name))
    .sort()
    .map((name) => readIdentity(join(dir, name)));
  const kept: SegmentIdentity[] = [];
  for (const identity of identities) {
    if (identity.id > (kept.at(-1)?.coversTo ?? 0)) kept.push(identity);
    else removeSegmentFiles(dir, identity.id);
  }
  if (kept.length < identities.length) syncDirectory(dir);
  return kept;
}

function readIdentity(path: string): SegmentIdentity {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  const identity = parseSegmentHeader(header);
  if (identity !== undefined) return identity;
  throw new MillraceError('MR_LOG_CORRUPT', 'a segment of the log has no valid header', {
    context: { file: path },
  });
}
