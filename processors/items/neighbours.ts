import type { NeighbourList } from '../../schemas/keys.ts';

const HALF_LIFE_MS = 7 * 86_400_000;
const MAX_KEPT = 50;
/** Length at which the weakest go: sorting each time would cost more than the update. */
const PRUNE_ABOVE = 64;
const MAX_SERVED = 30;

/** Co-visitation of one item: decayed weights of the items visited with it, as of `asOfMs`, in no order. */
export interface ItemNeighbours {
  asOfMs: number;
  weights: [itemId: string, weight: number][];
}

export function noNeighbours(): ItemNeighbours {
  return { asOfMs: 0, weights: [] };
}

/**
 * Adds counts, in place, with exponential decay in event time; the strongest 50 are kept. A count of the past is added
 * with what is left of it. Bounding the list loses weights that are small against the others (Metwally et al.,
 * "Space-Saving", treats the same trade-off).
 */
export function addNeighbours(
  item: ItemNeighbours,
  counts: readonly { readonly itemId: string; readonly weight: number }[],
  atMs: number,
): void {
  const asOfMs = Math.max(item.asOfMs, atMs);
  const decay = 2 ** (-(asOfMs - item.asOfMs) / HALF_LIFE_MS);
  const gain = 2 ** (-(asOfMs - atMs) / HALF_LIFE_MS);
  if (decay !== 1) for (const entry of item.weights) entry[1] *= decay;
  for (const { itemId, weight } of counts) {
    const known = item.weights.find((entry) => entry[0] === itemId);
    if (known === undefined) item.weights.push([itemId, weight * gain]);
    else known[1] += weight * gain;
  }
  item.asOfMs = asOfMs;
  if (item.weights.length > PRUNE_ABOVE) item.weights = item.weights.sort(byWeight).slice(0, MAX_KEPT);
}

/** What the online store holds of an item's neighbours. */
export function neighboursValue(item: ItemNeighbours): string {
  const list: NeighbourList = {
    items: [...item.weights]
      .sort(byWeight)
      .slice(0, MAX_SERVED)
      .map(([itemId, weight]) => ({ itemId, score: round(weight) })),
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
