import type { HashPair } from '../audit/hash-pair.ts';

/** A row of a window table of which no journal tells any more. */
export interface OldRow {
  /** Hash of its columns but for those that the engine adds: as it is in the table. */
  readonly found: HashPair | undefined;
  /** The same of the second run. */
  readonly remade: HashPair | undefined;
  /** Whether what is in the table is newer than everything that its tasks have said. */
  readonly isBeyond: boolean;
  /** Whether the log has everything that the row was made of. */
  readonly isFromLog: boolean;
  /** Whether the clock had a say in the values, as where events were late. */
  readonly isByClock: boolean;
  /** Whether the clock has a say in which keys there are, as for sessions. */
  readonly hasClockKeys: boolean;
}

/**
 * `right`: left alone; `kept`: left alone, and nothing proves it; `written`: made anew, in the place of what is there;
 * `deleted`: nobody has said it; `nothing`: neither there nor to be told.
 */
export type OldVerdict = 'right' | 'kept' | 'written' | 'deleted' | 'nothing';

/** What becomes of a row that was said before the journal of its task begins: nothing is taken away without a reason. */
export function judgeOldRow(row: OldRow): OldVerdict {
  const { found, remade, isBeyond, isFromLog, isByClock, hasClockKeys } = row;
  if (found === undefined || isBeyond) {
    if (remade !== undefined && isFromLog) return 'written';
    return isBeyond ? 'deleted' : 'nothing';
  }
  if (remade === undefined) return isFromLog && !hasClockKeys ? 'deleted' : 'kept';
  if (found.a === remade.a && found.b === remade.b) return 'right';
  return isFromLog && !isByClock ? 'written' : 'kept';
}
