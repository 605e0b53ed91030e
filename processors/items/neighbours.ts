import type { NeighbourList } from '../../schemas/keys.ts';

const HALF_LIFE_MS = 7 * 86_400_000;
const MAX_KEPT = 100;
const MAX_SERVED = 50;

/** Co-visitation of one item: decayed weights of the items visited with it, as of `asOfMs`. */
export interface ItemNeighbours {
  readonly asOfMs: number;
  readonly weights: readonly (readonly [itemId: string, weight: number])[];
}

export const NO_NEIGHBOURS: ItemNeighbours = { asOfMs: 0, weights: [] };

/**
 * Adds counts with exponential decay in event time; the strongest 100 are kept. A count of the past is added with what
 * is left of it. Bounding the list loses weights that are small against the others (Metwally et al., "Space-Saving",
 * treats the same trade-off); the order of the strongest is stable.
 */
export function addNeighbours(
  item: ItemNeighbours,
  counts: readonly { readonly itemId: string; readonly weight: number }[],
  atMs: number,
): ItemNeighbours {
  const asOfMs = Math.max(item.asOfMs, atMs);
  const decay = 2 ** (-(asOfMs - item.asOfMs) / HALF_LIFE_MS);
  const gain = 2 ** (-(asOfMs - atMs) / HALF_LIFE_MS);
  const weights = new Map(item.weights.map(([id, weight]) => [id, weight * decay]));
  for (const { itemId, weight } of counts) weights.set(itemId, (weights.get(itemId) ?? 0) + weight * gain);
  return { asOfMs, weights: [...weights].sort(byWeight).slice(0, MAX_KEPT) };
}

/** What the online store holds of an item's neighbours. */
export function neighboursValue(item: ItemNeighbours): string {
  const list: NeighbourList = {
    items: item.weights.slice(0, MAX_SERVED).map(([itemId, weight]) => ({ itemId, score: round(weight) })),
  };
  return JSON.stringify(list);
}

function byWeight(a: readonly [string, number], b: readonly [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
}

/** Four digits are enough to rank, and make the value half as long. */
function round(weight: number): number {
  return Number(weight.toPrecision(4));
}
