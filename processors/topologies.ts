import type { ProcessingConfig } from '../platform/config.ts';
import { catalogJob } from './catalog/catalog.ts';
import { cohortsJob } from './cohorts/cohorts.ts';
import { cardJob } from './fraud/card-velocity.ts';
import { itemsJob } from './items/items.ts';
import { journalJob } from './journal/journal.ts';
import { orderLifeJob } from './order-life/order-life.ts';
import { ordersJob } from './orders/orders.ts';
import { topology, type Topology } from './runtime/dsl/index.ts';
import { salesJob } from './sales/sales.ts';
import { segmentsJob } from './segments/segments.ts';
import { sessionsJob } from './sessions/sessions.ts';
import { trendingJob } from './trending/trending.ts';
import { userJob } from './user/user.ts';
import { visitorJob } from './visitor/visitor.ts';

/** The settings that make the topology what it is; none is a secret. */
export type TopologySettings = Pick<
  ProcessingConfig,
  'graceMs' | 'parcelSilenceMs' | 'cardBurstCount' | 'cardBurstWindowMs' | 'shopTimeZone' | 'orderLimits'
>;

export function settingsOf(config: TopologySettings): TopologySettings {
  const { graceMs, parcelSilenceMs, cardBurstCount, cardBurstWindowMs, shopTimeZone, orderLimits } = config;
  return { graceMs, parcelSilenceMs, cardBurstCount, cardBurstWindowMs, shopTimeZone, orderLimits };
}

/** Everything that the shop computes on its streams. */
export function shopTopology(config: TopologySettings): Topology {
  const app = topology('shop');
  visitorJob(app, { graceMs: config.graceMs });
  ordersJob(app, { graceMs: config.graceMs, parcelSilenceMs: config.parcelSilenceMs });
  itemsJob(app);
  catalogJob(app);
  userJob(app);
  cardJob(app, { count: config.cardBurstCount, windowMs: config.cardBurstWindowMs });
  trendingJob(app);
  journalJob(app);
  sessionsJob(app, { graceMs: config.graceMs, timeZone: config.shopTimeZone });
  orderLifeJob(app, { limits: config.orderLimits, timeZone: config.shopTimeZone });
  salesJob(app, { graceMs: config.graceMs, timeZone: config.shopTimeZone });
  cohortsJob(app, { timeZone: config.shopTimeZone });
  segmentsJob(app);
  return app.build();
}
