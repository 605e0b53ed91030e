import { countBetween } from './compaction.ts';
import { partKey, type Segment, type SegmentPart } from './segment.ts';

/** Surviving offsets by partition, of the partitions that are being compacted. */
export type Survivors = Map<number, Float64Array>;

export interface PlanOptions {
  readonly survivors: Survivors;
  readonly isLive: (part: SegmentPart) => boolean;
  readonly segmentBytes: number;
}

/** This many small neighbours are worth one rewriting. */
const SMALL_RUN = 4;

/**
 * Runs of neighbouring segments to be rewritten into one: those with records that compaction drops, those that are
 * mostly dead, and small ones beside them, as long as the result fits a segment.
 */
export function planRewrites(closed: readonly Segment[], options: PlanOptions): Segment[][] {
  const runs: Segment[][] = [];
  let run: Segment[] = [];
  let bytes = 0;
  let isNeeded = false;
  const end = () => {
    if (isNeeded || run.length >= SMALL_RUN) runs.push(run);
    run = [];
    bytes = 0;
    isNeeded = false;
  };
  for (const segment of closed) {
    const weight = weigh(segment, options);
    const isCandidate = weight.hasGarbage || weight.liveBytes < options.segmentBytes / 4;
    if (!isCandidate || bytes + weight.liveBytes > options.segmentBytes) end();
    if (!isCandidate) continue;
    run.push(segment);
    bytes += weight.liveBytes;
    isNeeded ||= weight.hasGarbage;
  }
  end();
  return runs;
}

interface Weight {
  readonly liveBytes: number;
  readonly hasGarbage: boolean;
}

function weigh(segment: Segment, options: PlanOptions): Weight {
  let liveBytes = 0;
  let bytes = 0;
  let isCompacted = false;
  for (const part of segment.parts.values()) {
    bytes += part.bytes;
    if (!options.isLive(part)) continue;
    const offsets = options.survivors.get(partKey(part.topicId, part.partition));
    const kept = offsets === undefined ? part.records : countBetween(offsets, part.first, part.last);
    isCompacted ||= kept < part.records;
    liveBytes += (part.bytes * kept) / part.records;
  }
  return { liveBytes, hasGarbage: isCompacted || liveBytes < bytes / 2 };
}
