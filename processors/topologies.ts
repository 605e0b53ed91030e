import type { ProcessingConfig } from '../platform/config.ts';
import { catalogSubtopology } from './catalog/catalog.ts';
import { cardSubtopology } from './fraud/card-velocity.ts';
import { itemsSubtopology } from './items/items.ts';
import { journalSubtopology } from './journal/journal.ts';
import { ordersSubtopology } from './orders/orders.ts';
import type { Subtopology } from './runtime/topology.ts';
import { trendingSubtopology } from './trending/trending.ts';
import { userSubtopology } from './user/user.ts';
import { visitorSubtopology } from './visitor/visitor.ts';

/** Every sub-topology of the shop. */
export function shopTopologies(config: ProcessingConfig): readonly Subtopology[] {
  return [
    visitorSubtopology(config.graceMs),
    ordersSubtopology({ graceMs: config.graceMs, parcelSilenceMs: config.parcelSilenceMs }),
    itemsSubtopology,
    catalogSubtopology,
    userSubtopology,
    cardSubtopology({ count: config.cardBurstCount, windowMs: config.cardBurstWindowMs }),
    trendingSubtopology,
    journalSubtopology,
  ];
}
