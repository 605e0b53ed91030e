import { readFileSync } from 'node:fs';
import { Cut, type LostRange, type MovedOffset } from './cut.ts';
import type { FrameBlock } from './frame.ts';
import { walkFrames, type Damage, type Found } from './frame-walk.ts';
import type { StateSnapshot } from './meta-operation.ts';
import { readIndex } from './segment-index.ts';
import {
  indexFault,
  segmentOf,
  surveySegments,
  type Fault,
  type Survey,
  type SurveyedSegment,
} from './segment-survey.ts';
import { SEGMENT_HEADER_BYTES, segmentPath, type SegmentIdentity } from './segment.ts';

/** A segment that cannot stay as it is. */
export interface Replacement {
  readonly identity: SegmentIdentity;
  /** Blocks to be kept, frame by frame. */
  readonly frames: readonly (readonly FrameBlock[])[];
}

export interface RepairPlan {
  readonly faults: readonly Fault[];
  readonly lost: readonly LostRange[];
  readonly movedBack: readonly MovedOffset[];
  /** Bytes of which nobody can tell what records they held. */
  readonly unknownBytes: number;
  readonly replacements: readonly Replacement[];
  /** Segments that stay, and those of no use beside rewritten ones. */
  readonly untouched: readonly SegmentIdentity[];
  readonly covered: readonly string[];
  readonly state: StateSnapshot;
}

/** The segment after the last one is gone: this much may have been in it. */
const LARGEST_SEGMENT_BYTES = 64 * 1024 * 1024;

/** Reads the whole log and decides what stays; changes nothing. Memory: the places of one segment's blocks. */
export async function planRepair(dir: string): Promise<RepairPlan> {
  const survey = surveySegments(dir);
  const cut = new Cut(survey.state);
  const replacements: Replacement[] = [];
  const untouched: SegmentIdentity[] = [];
  for (const segment of survey.segments) {
    const frames = judge(dir, segment, { survey, cut });
    if (frames === undefined) untouched.push(segment.identity);
    else replacements.push({ identity: segment.identity, frames });
    const fault = await indexFault(dir, segment.identity);
    if (fault !== undefined) survey.faults.push(fault);
  }
  if (survey.isNewestMissing) cut.unknown(LARGEST_SEGMENT_BYTES);
  const { lost, movedBack, unknownBytes, state } = cut.result();
  const { faults, covered } = survey;
  return { faults, lost, movedBack, unknownBytes, replacements, untouched, covered, state };
}

interface Judgement {
  readonly survey: Survey;
  readonly cut: Cut;
}

/** The blocks to be kept of a segment; undefined where the file stays as it is. */
function judge(dir: string, segment: SurveyedSegment, context: Judgement): Replacement['frames'] | undefined {
  const { identity, note } = segment;
  const { cut, survey } = context;
  if (!segment.isThere) {
    loseMissing(dir, segment, cut);
    return [];
  }
  const path = segmentPath(dir, identity.id);
  const bytes = readFileSync(path);
  const kept: FrameBlock[][] = [];
  let isWhole = !survey.faults.some(({ file }) => file === path);
  let end = 0;
  for (const found of walkFrames(bytes, identity.nonce)) {
    const blocks = judgeFound(found, segment, { path, cut, faults: survey.faults, bytes });
    isWhole &&=
      found.kind === 'frame' && blocks.length === found.frame.blocks.length && !cut.hasRefused(found.frame);
    if (blocks.length > 0) kept.push(blocks);
    if (found.kind === 'frame') end = found.frame.end;
  }
  if (note !== undefined && end < note.bytes && !endsInFault(survey.faults, path, end)) {
    survey.faults.push({
      file: path,
      position: end,
      bytes: note.bytes - end,
      what: 'the end of the segment',
    });
    cut.unknown(note.bytes - end);
    isWhole = false;
  }
  return isWhole && (note === undefined || bytes.length === note.bytes) ? undefined : kept;
}

function endsInFault(faults: readonly Fault[], path: string, end: number): boolean {
  return faults.some(({ file, position, bytes }) => file === path && bytes > 0 && position + bytes > end);
}

/** The blocks that stay of what was found. */
function judgeFound(
  found: Found,
  segment: SurveyedSegment,
  context: {
    readonly path: string;
    readonly cut: Cut;
    readonly faults: Fault[];
    readonly bytes: Buffer;
  },
): FrameBlock[] {
  const { path, cut, faults } = context;
  switch (found.kind) {
    case 'torn':
      return [];
    case 'frame':
      return cut.frame(found.frame, segment.isJournal);
    case 'damage': {
      const { at, end, frame, bad = [] } = found.damage;
      if (segment.isJournal && isSnapshotCopy(found.damage)) {
        faults.push({ file: path, position: at, bytes: end - at, what: 'one of two copies of the state' });
        return [];
      }
      const first = bad[0];
      const position = first?.position ?? at;
      const what = frame === undefined ? 'a write that cannot be read' : 'the records of a write';
      faults.push({ file: path, position, bytes: end - position, what });
      if (frame !== undefined) return cut.damaged(frame, bad, segment.isJournal);
      cut.unknown(end - at);
      return [];
    }
  }
}

/** A journal begins with its snapshot twice: one of them may go. */
function isSnapshotCopy({ at, end, number, frames }: Damage): boolean {
  if (number > 1) return false;
  // Where nothing follows that tells, the second copy is as long as the first.
  return frames === 1 || (number === 1 && end - at === at - SEGMENT_HEADER_BYTES);
}

/** The index may still tell what a missing segment held. */
function loseMissing(dir: string, { identity, note }: SurveyedSegment, cut: Cut): void {
  const segment = segmentOf(dir, identity);
  if (note !== undefined && readIndex(segment, note.bytes)) cut.missing([...segment.parts.values()]);
  else cut.unknown(note?.bytes ?? LARGEST_SEGMENT_BYTES);
}
