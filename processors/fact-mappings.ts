import { SHOP_TOPICS } from '../schemas/topics.ts';
import { alertFact, riskFact, servedFact } from './journal/journal.ts';
import { orderFact, paymentFact, scanFact } from './orders/order-facts.ts';
import type { FactMapping } from './runtime/audit/index.ts';
import { clickFact } from './visitor/click-fact.ts';

/** Which events are facts of which table, by the functions that the jobs use: the auditor makes rows anew with them. */
export const FACT_MAPPINGS: readonly FactMapping[] = [
  { table: 'clicks', topic: SHOP_TOPICS.clickstream.name, row: clickFact },
  { table: 'orders', topic: SHOP_TOPICS.orders.name, row: orderFact },
  { table: 'payments', topic: SHOP_TOPICS.payments.name, row: paymentFact },
  { table: 'scans', topic: SHOP_TOPICS.shipments.name, row: scanFact },
  { table: 'served', topic: SHOP_TOPICS.served.name, row: servedFact },
  { table: 'risk_decisions', topic: SHOP_TOPICS.riskDecisions.name, row: riskFact },
  { table: 'alerts', topic: SHOP_TOPICS.alerts.name, row: alertFact },
];
