import type { ProcessingConfig } from '../platform/config.ts';
import { catalogJob } from './catalog/catalog.ts';
import { cardJob } from './fraud/card-velocity.ts';
import { itemsJob } from './items/items.ts';
import { journalJob } from './journal/journal.ts';
import { ordersJob } from './orders/orders.ts';
import { topology, type Topology } from './runtime/dsl/index.ts';
import { trendingJob } from './trending/trending.ts';
import { userJob } from './user/user.ts';
import { visitorJob } from './visitor/visitor.ts';

/** Everything that the shop computes on its streams. */
export function shopTopology(config: ProcessingConfig): Topology {
  const app = topology('shop');
  visitorJob(app, { graceMs: config.graceMs });
  ordersJob(app, { graceMs: config.graceMs, parcelSilenceMs: config.parcelSilenceMs });
  itemsJob(app);
  catalogJob(app);
  userJob(app);
  cardJob(app, { count: config.cardBurstCount, windowMs: config.cardBurstWindowMs });
  trendingJob(app);
  journalJob(app);
  return app.build();
}
