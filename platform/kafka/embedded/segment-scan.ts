import { readFileSync } from 'node:fs';
import { walkFrames } from './frame-walk.ts';
import type { MetaOperation } from './meta-operation.ts';
import { segmentPath, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

export interface ScanResult {
  readonly frames: number;
  /** Bytes after the last whole frame: the torn tail of a process that was killed. */
  readonly tornBytes: number;
}

/**
 * Reads a segment from its first frame to its last and checks every sum. Throws MR_LOG_CORRUPT where bytes are wrong; a
 * last write that was cut short is no damage.
 */
export function scanSegment(
  segment: Segment,
  onOperation: (operation: MetaOperation) => void = () => undefined,
): ScanResult {
  const bytes = readFileSync(segmentPath(segment.dir, segment.id));
  segment.parts.clear();
  let end = SEGMENT_HEADER_BYTES;
  let frames = 0;
  for (const found of walkFrames(bytes, segment.identity.nonce)) {
    if (found.kind === 'damage')
      throw segment.corrupt('a segment of the log has wrong bytes', found.damage.at);
    if (found.kind === 'torn') break;
    for (const operation of found.frame.operations) onOperation(operation);
    for (const block of found.frame.blocks) segment.add(block, 0);
    end = found.frame.end;
    frames++;
  }
  segment.bytes = end;
  return { frames, tornBytes: bytes.length - end };
}
