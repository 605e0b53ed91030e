import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../errors.ts';
import { inspectFrame } from './frame.ts';
import { walkFrames } from './frame-walk.ts';
import { LogState } from './log-state.ts';
import type { MetaOperation, SegmentNote } from './meta-operation.ts';
import { indexFits, readIndex, readTable } from './segment-index.ts';
import {
  indexPath,
  readIdentity,
  Segment,
  SEGMENT_HEADER_BYTES,
  segmentPath,
  type SegmentIdentity,
} from './segment.ts';

/** Something that is wrong with a file. */
export interface Fault {
  readonly file: string;
  /** Where it begins, in bytes. */
  readonly position: number;
  readonly bytes: number;
  readonly what: string;
}

/** A segment as a repair finds it. */
export interface SurveyedSegment {
  readonly identity: SegmentIdentity;
  /** What the state says of it; absent for the newest. */
  readonly note: SegmentNote | undefined;
  /** False where the file is gone. */
  readonly isThere: boolean;
  /** Whether its first frame was a snapshot: then its frames are commits, in the order of the commits. */
  readonly isJournal: boolean;
}

export interface Survey {
  /** In id order. */
  readonly segments: readonly SurveyedSegment[];
  /** Names of segments whose records a rewritten one holds. */
  readonly covered: readonly string[];
  /** Everything readable applied: topics, first offsets, epochs. */
  readonly state: LogState;
  readonly faults: Fault[];
  /** Whether a segment after the last one was there. */
  readonly isNewestMissing: boolean;
}

/** Looks at the files of a log folder without changing any. */
export function surveySegments(dir: string): Survey {
  const faults: Fault[] = [];
  const ids = segmentIds(dir);
  const identities = ids.map((id, i) => identify(dir, id, { nextId: ids[i + 1], faults }));
  const kept: SegmentIdentity[] = [];
  const covered: string[] = [];
  for (const identity of identities) {
    if (identity.id > (kept.at(-1)?.coversTo ?? 0)) kept.push(identity);
    else covered.push(fileName(identity.id));
  }
  const { state, journals } = readState(dir, kept);
  const newest = kept.at(-1);
  const live = kept.filter((identity) => {
    // What the newest snapshot does not know was about to be deleted.
    if (identity === newest || newest === undefined || !journals.has(newest)) return true;
    if (state.segments.some(({ id }) => identity.id <= id && id <= identity.coversTo)) return true;
    covered.push(fileName(identity.id));
    return false;
  });
  const found = live.map((identity) => ({
    identity,
    note: state.segments.find(({ nonce, id }) => nonce === identity.nonce && id === identity.id),
    isThere: true,
    isJournal: journals.has(identity) || (identity === newest && identity.id === identity.coversTo),
  }));
  const missing = missingSegments(dir, { kept, state, faults });
  const segments = [...found, ...missing].sort((a, b) => a.identity.id - b.identity.id);
  return { segments, covered, state, faults, isNewestMissing: isNewestMissing(dir, kept, faults) };
}

export function fileName(id: number): string {
  return `${String(id).padStart(16, '0')}.log`;
}

function segmentIds(dir: string): number[] {
  return readdirSync(dir)
    .filter((name) => /^\d{16}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 16)))
    .sort((a, b) => a - b);
}

/** Where the header is damaged, the first frame still tells the nonce and the name the id. */
function identify(
  dir: string,
  id: number,
  context: { readonly nextId: number | undefined; readonly faults: Fault[] },
): SegmentIdentity {
  const path = segmentPath(dir, id);
  try {
    return readIdentity(path);
  } catch (error) {
    if (!hasCode(error, 'MR_LOG_CORRUPT')) throw error;
    const bytes = Math.min(statSync(path).size, SEGMENT_HEADER_BYTES);
    context.faults.push({ file: path, position: 0, bytes, what: 'the header of the segment' });
    return { id, coversTo: (context.nextId ?? id + 1) - 1, nonce: nonceOfFirstFrame(path) };
  }
}

function nonceOfFirstFrame(path: string): number {
  const bytes = readFileSync(path);
  if (bytes.length < SEGMENT_HEADER_BYTES + 8) return 0;
  const nonce = bytes.readUInt32LE(SEGMENT_HEADER_BYTES + 4);
  return inspectFrame(bytes, SEGMENT_HEADER_BYTES, nonce).kind === 'no-frame' ? 0 : nonce;
}

/** Applies what can be read since the latest snapshot that can be read. */
function readState(dir: string, kept: readonly SegmentIdentity[]) {
  const journals = new Set<SegmentIdentity>();
  let state = new LogState();
  for (const identity of kept) {
    const operations = operationsOf(dir, identity);
    if (operations.length > 0) journals.add(identity);
    // A snapshot is the whole state.
    if (operations[0]?.op === 'snapshot') state = new LogState();
    for (const operation of operations) state.apply(operation);
  }
  return { state, journals };
}

function operationsOf(dir: string, identity: SegmentIdentity): MetaOperation[] {
  const operations: MetaOperation[] = [];
  for (const found of walkFrames(readFileSync(segmentPath(dir, identity.id)), identity.nonce)) {
    if (found.kind === 'frame') operations.push(...found.frame.operations);
    else if (found.kind === 'damage') operations.push(...(found.damage.frame?.operations ?? []));
  }
  return operations;
}

function missingSegments(
  dir: string,
  context: {
    readonly kept: readonly SegmentIdentity[];
    readonly state: LogState;
    readonly faults: Fault[];
  },
): SurveyedSegment[] {
  return context.state.segments.flatMap((note) => {
    const { id, nonce, bytes } = note;
    if (context.kept.some((identity) => identity.id <= id && id <= identity.coversTo)) return [];
    context.faults.push({ file: segmentPath(dir, id), position: 0, bytes, what: 'the segment is missing' });
    return [{ identity: { id, coversTo: id, nonce }, note, isThere: false, isJournal: false }];
  });
}

/** A segment gets its index when the next one has begun. */
function isNewestMissing(dir: string, kept: readonly SegmentIdentity[], faults: Fault[]): boolean {
  const newest = kept.at(-1);
  const orphan = readdirSync(dir).find(
    (name) => /^\d{16}\.idx$/.test(name) && Number(name.slice(0, 16)) > (newest?.id ?? 0),
  );
  const isClosed = newest !== undefined && indexFits(segmentOf(dir, newest));
  if (!isClosed && orphan === undefined) return false;
  const id = orphan === undefined ? (newest?.id ?? 0) + 1 : Number(orphan.slice(0, 16));
  faults.push({
    ...{ file: segmentPath(dir, id), position: 0, bytes: 0 },
    what: 'the newest segment is missing; nobody can tell what it held',
  });
  return true;
}

export function segmentOf(dir: string, identity: SegmentIdentity): Segment {
  const segment = new Segment(dir, identity, () => {
    throw segment.corrupt('a surveyed segment has no tables', 0);
  });
  return segment;
}

/** The fault of a segment's index, which holds nothing that the segment does not. */
export async function indexFault(dir: string, identity: SegmentIdentity): Promise<Fault | undefined> {
  const path = indexPath(dir, identity.id);
  if (!existsSync(path)) return undefined;
  const bytes = statSync(path).size;
  const fault = { file: path, position: 0, bytes, what: 'the index, which will be made again' };
  const segment = segmentOf(dir, identity);
  if (!existsSync(segmentPath(dir, identity.id))) return undefined;
  if (!readIndex(segment, statSync(segmentPath(dir, identity.id)).size)) return fault;
  for (const { stored } of segment.parts.values())
    if (stored !== undefined && (await readTable(segment, stored)) === undefined)
      return { ...fault, position: stored.position };
  return undefined;
}

/** Paths are told in full elsewhere; a plan names files of the folder. */
export function indexName(dir: string, id: number): string | undefined {
  const name = `${String(id).padStart(16, '0')}.idx`;
  return existsSync(join(dir, name)) ? name : undefined;
}
