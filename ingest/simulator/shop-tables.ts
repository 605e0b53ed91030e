/** The compacted tables of the simulated shop: items and users. */
import type { PublicEvent } from '../public-event.ts';
import type { Catalogue } from './catalogue.ts';
import { priceIn } from './markets.ts';
import type { Planner } from './planned-event.ts';
import type { Visitor } from './visitors.ts';

export interface TablePlan {
  readonly catalogue: Catalogue;
  readonly visitors: readonly Visitor[];
  readonly planner: Planner;
  readonly nowMs: number;
}

/** One event for each item and each user, all at `nowMs`. */
export function planTables({ catalogue, visitors, planner, nowMs }: TablePlan): readonly PublicEvent[] {
  const items = catalogue.items.map((item) => {
    const { itemId, title, category, brand, seller, euroCents } = item;
    const price = priceIn(seller.market, euroCents);
    const { sellerId } = seller;
    return planner.plan(nowMs, {
      type: 'ItemUpserted',
      itemId,
      title,
      category,
      brand,
      price,
      sellerId,
      active: true,
    });
  });
  const users = new Map(
    visitors.flatMap((visitor) => (visitor.userId === undefined ? [] : [[visitor.userId, visitor]])),
  );
  const userEvents = [...users].map(([userId, { market, segment }]) =>
    planner.plan(nowMs, { type: 'UserUpserted', userId, country: market.country, segment }),
  );
  return [...items, ...userEvents].map(({ event }) => event);
}
