import type { HashPair } from './hash-pair.ts';

/** What the newest row of a key must be. */
export interface Known {
  readonly version: number;
  /** Undefined where the key was taken back. */
  readonly row: HashPair | undefined;
  /** Whether its task has said so; else it was found there first. */
  readonly isProven: boolean;
  readonly atMs: number;
  /** Log time of the commit that said it, epoch ms; 0 where it was found. */
  readonly saidMs: number;
  /** What must be there if the table has refused this one. */
  before: Known | undefined;
}

/**
 * A newer row of the same key takes the place of what was known of it. A table refuses a row before the next commit of
 * its task, or never: what two later commits have followed is settled, and nothing in front of it is kept.
 */
export function followedBy(known: Known | undefined, next: Omit<Known, 'before'>): Known {
  if (known !== undefined && known.saidMs < next.saidMs) {
    let first = known;
    while (first.before?.saidMs === known.saidMs) first = first.before;
    if (first.before !== undefined) first.before.before = undefined;
  }
  return { ...next, before: known?.version === next.version ? known.before : known };
}

/** What is known when the row of a version was refused; undefined where that is nothing. */
export function withoutVersion(newest: Known, version: number): Known | undefined {
  if (newest.version === version) return newest.before;
  for (let known = newest; known.before !== undefined; known = known.before) {
    if (known.before.version !== version) continue;
    known.before = known.before.before;
    break;
  }
  return newest;
}
