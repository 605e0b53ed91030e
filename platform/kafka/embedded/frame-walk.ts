import { findFrame, FRAME_HEADER_BYTES, inspectFrame, type FrameBlock, type ParsedFrame } from './frame.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';

/** A stretch of a segment whose bytes are not what was written. */
export interface Damage {
  readonly at: number;
  readonly end: number;
  /** Number of the frame that should begin there. */
  readonly number: number;
  /** How many frames are gone; absent where nothing follows that tells. */
  readonly frames?: number;
  /** The frame whose head is still right; absent where nobody can tell what was there. */
  readonly frame?: ParsedFrame;
  readonly bad?: readonly FrameBlock[];
}

export type Found =
  | { readonly kind: 'frame'; readonly at: number; readonly frame: ParsedFrame }
  | { readonly kind: 'damage'; readonly damage: Damage }
  /** The last write, which did not come to its end: nobody was told that it is durable. */
  | { readonly kind: 'torn'; readonly at: number };

/** Everything that lies in a segment, in order. Goes on behind damage with the next frame that it finds. */
export function* walkFrames(bytes: Buffer, nonce: number): Generator<Found> {
  let expected = 0;
  for (let at = SEGMENT_HEADER_BYTES; at < bytes.length; ) {
    const found = inspectFrame(bytes, at, nonce);
    if (found.kind === 'whole' && found.frame.number === expected) {
      yield { kind: 'frame', at, frame: found.frame };
      at = found.frame.end;
      expected++;
      continue;
    }
    const damage = found.kind === 'short' ? undefined : damageAt(bytes, at, { found, nonce, expected });
    if (damage === undefined) {
      yield { kind: 'torn', at };
      return;
    }
    yield { kind: 'damage', damage: damage.damage };
    at = damage.damage.end;
    expected = damage.expected;
  }
}

/** Undefined where it is a torn write instead. */
function damageAt(
  bytes: Buffer,
  at: number,
  state: {
    readonly found: Exclude<ReturnType<typeof inspectFrame>, { kind: 'short' }>;
    readonly nonce: number;
    readonly expected: number;
  },
): { readonly damage: Damage; readonly expected: number } | undefined {
  const { found, nonce, expected } = state;
  const next = findFrame(bytes, at + 1, { nonce, expected });
  if (next === undefined && isTorn(bytes, at)) return undefined;
  if (found.kind === 'bad-blocks') {
    const { frame, bad } = found;
    return {
      damage: { at, end: frame.end, number: expected, frames: frame.number + 1 - expected, frame, bad },
      expected: frame.number + 1,
    };
  }
  if (found.kind === 'bad-head') return gone(at, found.end, { number: expected, next: found.number + 1 });
  if (found.kind === 'whole' && found.frame.number > expected)
    return gone(at, at, { number: expected, next: found.frame.number });
  if (next === undefined) return { damage: { at, end: bytes.length, number: expected }, expected };
  return gone(at, next, { number: expected, next: bytes.readUInt32LE(next + 8) });
}

function gone(
  at: number,
  end: number,
  numbers: { readonly number: number; readonly next: number },
): { readonly damage: Damage; readonly expected: number } {
  const { number, next } = numbers;
  return { damage: { at, end, number, frames: next - number }, expected: next };
}

const SECTOR_BYTES = 512;
/** A shorter run of zeros at the edge of a frame may well be what was written. */
const MIN_TORN_BYTES = 16;

/**
 * Whether the bytes from `at` to the end are a write that a power failure cut short. A disk writes whole sectors, so what
 * it did not come to is zero; wrong bytes without such a sector were written whole and damaged later.
 */
function isTorn(bytes: Buffer, at: number): boolean {
  if (bytes.length - at < FRAME_HEADER_BYTES) return true;
  for (let from = at; from < bytes.length; ) {
    const end = Math.min(bytes.length, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (end - from >= MIN_TORN_BYTES && bytes.subarray(from, end).every((byte) => byte === 0)) return true;
    from = end;
  }
  return false;
}
