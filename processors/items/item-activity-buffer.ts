import type { VisitorHistory } from '../../schemas/keys.ts';

/** Two views belong together when they are at most this far apart. */
const SESSION_GAP_MS = 30 * 60_000;
/** A view is paired with at most this many items seen before it. */
const MAX_PAIRS = 5;

export interface ItemTotals {
  views: number;
  carts: number;
  purchases: number;
  latestEventTimeMs: number;
  readonly neighbours: Map<string, number>;
}

/**
 * What happened to items since the last commit, coalesced by item: co-visitation counts with a weight that falls with
 * the number of items in between, and plain totals.
 */
export class ItemActivityBuffer {
  #items = new Map<string, ItemTotals>();

  /** A view after the given history (newest first, without this view). */
  viewed(itemId: string, atMs: number, before: VisitorHistory['viewed']): void {
    const totals = this.#totals(itemId, atMs);
    totals.views += 1;
    let rank = 0;
    for (const entry of before) {
      if (rank >= MAX_PAIRS || Math.abs(atMs - entry.atMs) > SESSION_GAP_MS) return;
      if (entry.itemId === itemId) continue;
      rank += 1;
      addWeight(totals.neighbours, entry.itemId, 1 / rank);
      addWeight(this.#totals(entry.itemId, atMs).neighbours, itemId, 1 / rank);
    }
  }

  carted(itemId: string, atMs: number): void {
    this.#totals(itemId, atMs).carts += 1;
  }

  bought(itemId: string, pieces: number, atMs: number): void {
    this.#totals(itemId, atMs).purchases += pieces;
  }

  /** Totals by item since the last call. */
  take(): ReadonlyMap<string, ItemTotals> {
    const taken = this.#items;
    this.#items = new Map();
    return taken;
  }

  #totals(itemId: string, atMs: number): ItemTotals {
    let totals = this.#items.get(itemId);
    if (totals === undefined) {
      totals = { views: 0, carts: 0, purchases: 0, latestEventTimeMs: atMs, neighbours: new Map() };
      this.#items.set(itemId, totals);
    }
    totals.latestEventTimeMs = Math.max(totals.latestEventTimeMs, atMs);
    return totals;
  }
}

function addWeight(weights: Map<string, number>, itemId: string, weight: number): void {
  weights.set(itemId, (weights.get(itemId) ?? 0) + weight);
}
