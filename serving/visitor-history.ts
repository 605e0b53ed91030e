import type { VisitorHistory } from '../schemas/keys.ts';

type Seen = VisitorHistory['viewed'];

export const EMPTY_HISTORY: VisitorHistory = { viewed: [], bought: [] };

/**
 * One history out of several (a device and the user on it): newest first, each item once with its latest time. Ties
 * are ordered by item, so that the answer does not depend on the order of the arguments.
 */
export function mergeHistories(histories: readonly VisitorHistory[]): VisitorHistory {
  const [only] = histories;
  if (histories.length === 1 && only !== undefined) return only;
  return {
    viewed: newestFirst(histories.flatMap((history) => history.viewed)),
    bought: newestFirst(histories.flatMap((history) => history.bought)),
  };
}

function newestFirst(seen: Seen): Seen {
  const latest = new Map<string, number>();
  for (const { itemId, atMs } of seen) latest.set(itemId, Math.max(atMs, latest.get(itemId) ?? -Infinity));
  return [...latest]
    .map(([itemId, atMs]) => ({ itemId, atMs }))
    .sort((a, b) => b.atMs - a.atMs || (a.itemId < b.itemId ? -1 : 1));
}
