import type { VisitorHistory } from '../../schemas/keys.ts';

const MAX_VIEWED = 50;
const MAX_BOUGHT = 200;

/** State of one visitor: what serving reads, and the user the device is linked to. */
export interface VisitorState extends VisitorHistory {
  /** Set once; a later link to another user never merges the two. */
  readonly linkedUserId?: string;
}

export const NO_HISTORY: VisitorState = { viewed: [], bought: [] };

type Entries = VisitorHistory['viewed'];

/** Puts an item into a list that is newest first and holds each item once, at its latest time. */
function withItem(entries: Entries, itemId: string, atMs: number, max: number): Entries {
  const result: Entries[number][] = [];
  let isPlaced = false;
  for (const entry of entries) {
    if (entry.itemId === itemId) {
      // It was there, and later: the list stays as it is.
      if (!isPlaced && entry.atMs >= atMs) return entries;
      continue;
    }
    if (!isPlaced && entry.atMs <= atMs) {
      result.push({ itemId, atMs });
      isPlaced = true;
    }
    result.push(entry);
  }
  if (!isPlaced) result.push({ itemId, atMs });
  if (result.length > max) result.length = max;
  return result;
}

/** The history after a view. */
export function viewed(state: VisitorState, itemId: string, atMs: number): VisitorState {
  return { ...state, viewed: withItem(state.viewed, itemId, atMs, MAX_VIEWED) };
}

/** The history after a purchase. */
export function bought(state: VisitorState, itemId: string, atMs: number): VisitorState {
  return { ...state, bought: withItem(state.bought, itemId, atMs, MAX_BOUGHT) };
}

/** What the online store holds of a state. */
export function historyValue(state: VisitorState): string {
  const history: VisitorHistory = { viewed: state.viewed, bought: state.bought };
  return JSON.stringify(history);
}
