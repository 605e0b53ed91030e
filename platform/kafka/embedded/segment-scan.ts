import { readFileSync } from 'node:fs';
import { nextMagic, parseFrame, type ParsedFrame } from './frame.ts';
import type { MetaOperation } from './meta-operation.ts';
import { segmentPath, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

export interface ScanResult {
  readonly frames: number;
  /** Bytes after the last whole frame: the torn tail of a process that was killed. */
  readonly tornBytes: number;
}

/**
 * Reads a segment from its first frame to its last and checks every sum. A frame that is not whole ends the scan where
 * nothing whole follows it; throws MR_LOG_CORRUPT where something does, since only the last write can have been torn.
 */
export function scanSegment(
  segment: Segment,
  onOperation: (operation: MetaOperation) => void = () => undefined,
): ScanResult {
  const bytes = readFileSync(segmentPath(segment.dir, segment.id));
  const { nonce } = segment.identity;
  segment.parts.clear();
  let at = SEGMENT_HEADER_BYTES;
  let frames = 0;
  for (;;) {
    const frame = parseFrame(bytes, at, nonce);
    if (frame?.number !== frames) break;
    for (const operation of frame.operations) onOperation(operation);
    for (const block of frame.blocks) segment.add(block, 0);
    at = frame.end;
    frames++;
  }
  const later = findLaterFrame(bytes, at, { nonce, expected: frames });
  if (later !== undefined) throw segment.corrupt('the log is damaged before its end', at);
  segment.bytes = at;
  return { frames, tornBytes: bytes.length - at };
}

/** A whole frame behind the place where the next one should be. */
function findLaterFrame(
  bytes: Buffer,
  from: number,
  frame: { readonly nonce: number; readonly expected: number },
): ParsedFrame | undefined {
  for (let at = nextMagic(bytes, from); at >= 0; at = nextMagic(bytes, at + 1)) {
    const found = parseFrame(bytes, at, frame.nonce, false);
    if (found !== undefined && found.number >= frame.expected && at > from) return found;
  }
  return undefined;
}
