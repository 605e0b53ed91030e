import { LIMITS } from '../limits.ts';
import { statPanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { majorUnits } from '../sql-fragments.ts';
import { selectedChannel, selectedOrders } from './selected.ts';

const sessions = () =>
  statPanel({
    id: 1,
    title: 'Sessions',
    about: {
      what: 'Sessions that began in the range: what a device does with at most half an hour in between. Robots and internal traffic have none.',
      why: 'The visits that everything below is a share of.',
      action: 'Fewer than usual: see in Sessions by channel which source of visitors has dried up.',
    },
    unit: 'locale',
    decimals: 0,
    width: 4,
    sql: `
SELECT count() AS sessions
FROM sessions_now
WHERE $__timeFilter(session_start)
  AND ${selectedChannel}`,
  });

const conversion = () =>
  statPanel({
    id: 2,
    title: 'Sessions with an order',
    about: {
      what: 'Share of the sessions of the range in which a checkout was submitted.',
      why: 'Tells a quiet shop from a broken one: it does not move with the number of visitors.',
      action: 'Below its usual level: find the step in the funnel where sessions end.',
    },
    unit: 'percentunit',
    decimals: 2,
    width: 4,
    limits: LIMITS.conversion,
    sql: `
SELECT countIf(has_purchased) / nullIf(count(), 0) AS conversion
FROM sessions_now
WHERE $__timeFilter(session_start)
  AND ${selectedChannel}`,
  });

const net = () =>
  statPanel({
    id: 3,
    title: 'Net sales',
    about: {
      what: 'Captured in the range less refunds and charge-backs of the range, by currency. Currencies are never added up.',
      why: 'What the shop keeps, not merely what was ordered.',
      action:
        'Below what was captured: look in Sales by channel and mode where refunds or charge-backs come from.',
    },
    unit: 'locale',
    decimals: 0,
    width: 6,
    eachRowOf: 'net',
    sql: `
SELECT currency, ${majorUnits('sum(net_minor)')} AS net
FROM channel_sales_by_minute
WHERE $__timeFilter(window_start)
  AND ${selectedOrders}
GROUP BY currency
ORDER BY sum(captured_payments) DESC
LIMIT 4`,
  });

const stuck = () =>
  statPanel({
    id: 4,
    title: 'Stuck orders',
    about: {
      what: 'Orders that wait for a step longer than MR_ORDER_…_LIMIT allows, whenever they were placed.',
      why: 'Each is a customer who has paid or wants to, and hears nothing.',
      action: 'Open the list below, the longest waiting first.',
    },
    unit: 'locale',
    decimals: 0,
    width: 4,
    limits: LIMITS.stuckOrders,
    sql: `
SELECT count() AS stuck
FROM stuck_orders
WHERE ${selectedOrders}`,
  });

const onTime = () =>
  statPanel({
    id: 5,
    title: 'Delivered on time',
    about: {
      what: 'Share of the orders delivered in the range, and promised for a time, that came by then.',
      why: 'A promise that is not kept costs the next order.',
      action:
        'Low: compare the time to ship with the time under way; the one that grew is yours or the carrier’s.',
    },
    unit: 'percentunit',
    decimals: 1,
    width: 6,
    limits: LIMITS.onTime,
    sql: `
SELECT countIf(late_seconds <= 0) / nullIf(countIf(late_seconds IS NOT NULL), 0) AS on_time
FROM orders_now
WHERE $__timeFilter(delivered_at)
  AND ${selectedOrders}`,
  });

/** The top row: how it goes. */
export function nowPanels(): readonly ModernPanel[] {
  return [sessions(), conversion(), net(), stuck(), onTime()];
}
