/**
 * What a task says of itself in the online store, in a key of its own: which of its commits the store has whole, and
 * whether there may be more. Written only where the store still has what was said last, so that a store that lost data, or
 * was put back to an old copy, is noticed.
 */
export interface Checkpoint {
  /** Version of the newest write up to which the store has everything; 0 where nothing is known. */
  readonly done: number;
  /** Whether newer writes may have followed. */
  readonly isOpen: boolean;
  /** Newer writes than this of earlier starts may be of commits that never came about; null where there are none. */
  readonly sweepFrom: number | null;
}

export const NO_CHECKPOINT: Checkpoint = { done: 0, isOpen: false, sweepFrom: null };

export function encodeCheckpoint({ done, isOpen, sweepFrom }: Checkpoint): string {
  return JSON.stringify({ done, open: isOpen, sweep: sweepFrom });
}

/** Undefined where it says nothing that can be relied on. */
export function decodeCheckpoint(value: string | null): Checkpoint | undefined {
  if (value === null) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(value);
  } catch {
    return undefined; // whatever is there, the task did not write it
  }
  if (typeof said !== 'object' || said === null) return undefined;
  const { done, open, sweep } = said as Partial<Record<'done' | 'open' | 'sweep', unknown>>;
  if (typeof done !== 'number' || typeof open !== 'boolean') return undefined;
  if (sweep !== null && typeof sweep !== 'number') return undefined;
  return { done, isOpen: open, sweepFrom: sweep };
}

/** What a start finds when it compares the store with Kafka. */
export interface Finding {
  /** Whether the store is behind what was committed: all keys have to be written again. */
  readonly isBehind: boolean;
  /** As in {@link Checkpoint}, with what followed the last commit. */
  readonly sweepFrom: number | null;
}

/** @param committed version of the newest write that the last commit stands for */
export function compare(stored: Checkpoint | undefined, committed: number): Finding {
  // Nothing is known of what stands there: what the state does not stand behind goes, whatever its version.
  if (stored === undefined || stored.done < committed) return { isBehind: true, sweepFrom: 0 };
  const isAhead = stored.isOpen || stored.done > committed;
  const from = [...(isAhead ? [committed] : []), ...(stored.sweepFrom === null ? [] : [stored.sweepFrom])];
  return { isBehind: false, sweepFrom: from.length > 0 ? Math.min(...from) : null };
}
