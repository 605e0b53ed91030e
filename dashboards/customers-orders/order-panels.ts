import { barGaugePanel, tablePanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { majorUnits } from '../sql-fragments.ts';
import { selectedOrders } from './selected.ts';

const byStatus = () =>
  barGaugePanel({
    id: 20,
    title: 'Orders by status',
    about: {
      what: 'Orders placed in the range, by how far they have come.',
      why: 'A heap in one status is a queue that somebody has to work off.',
      action:
        'Held: decide the cases. Authorised: see why nothing is captured. Captured: see what the warehouse waits for.',
    },
    unit: 'locale',
    width: 8,
    value: 'orders',
    sql: `
SELECT status, count() AS orders
FROM orders_now
WHERE $__timeFilter(placed_at)
  AND ${selectedOrders}
GROUP BY status
ORDER BY orders DESC, status`,
  });

const stuckBySteps = () =>
  barGaugePanel({
    id: 21,
    title: 'Stuck orders by step',
    about: {
      what: 'Orders that wait too long, by what they wait for: payment, review, capture, ship, delivery, refund.',
      why: 'Many at one step have one cause.',
      action:
        'Payment or capture: look at the provider. Ship: at the warehouse. Delivery: at the carrier. Refund: at the desk.',
    },
    unit: 'locale',
    width: 6,
    value: 'orders',
    sql: `
SELECT step, countIf(stuck_step = step) AS orders
FROM (
  SELECT stuck_step, arrayJoin(['payment', 'review', 'capture', 'ship', 'delivery', 'refund']) AS step
  FROM stuck_orders
  WHERE ${selectedOrders}
)
GROUP BY step
ORDER BY orders DESC, step`,
  });

const stepTimes = () =>
  tablePanel({
    id: 22,
    title: 'Time between the steps of an order',
    about: {
      what: 'Median time of each step of the orders placed in the range, by channel and business mode. Orders that have not come so far do not count.',
      why: 'What the customer waits for, and where.',
      action: 'The step that grew is the one to look into; compare with the same range a week ago.',
    },
    unit: 's',
    width: 10,
    columns: {
      channel: { title: 'Channel', width: 80 },
      mode: { title: 'Mode', width: 90 },
      orders: { title: 'Orders', unit: 'locale', decimals: 0, width: 70 },
      authorise: { title: 'To authorise', decimals: 0 },
      capture: { title: 'To capture', decimals: 0 },
      ship: { title: 'To ship', decimals: 0 },
      deliver: { title: 'Under way', decimals: 0 },
      door: { title: 'In all', decimals: 0 },
    },
    sortBy: { column: 'orders', descending: true },
    sql: `
SELECT channel, mode, count() AS orders,
  quantileExactOrNull(0.5)(seconds_to_authorise) AS authorise,
  quantileExactOrNull(0.5)(seconds_to_capture) AS capture,
  quantileExactOrNull(0.5)(seconds_to_ship) AS ship,
  quantileExactOrNull(0.5)(seconds_to_deliver) AS deliver,
  quantileExactOrNull(0.5)(seconds_to_door) AS door
FROM orders_now
WHERE $__timeFilter(placed_at)
  AND ${selectedOrders}
GROUP BY channel, mode
ORDER BY orders DESC, channel, mode`,
  });

const stuckList = () =>
  tablePanel({
    id: 23,
    title: 'Orders that are stuck',
    about: {
      what: 'The 100 orders that are overdue for the longest time, whenever they were placed.',
      why: 'Each needs a person.',
      action: 'Take the top ones: retry the payment, ask the warehouse or the carrier, pay the refund.',
    },
    unit: 'none',
    width: 24,
    height: 9,
    columns: {
      order_id: { title: 'Order', width: 260 },
      stuck_step: { title: 'Waits for', width: 100 },
      waiting_since: { title: 'Waits since', unit: 'dateTimeAsIso', width: 180 },
      stuck_since: { title: 'Overdue since', unit: 'dateTimeAsIso', width: 180 },
      status: { title: 'Status', width: 110 },
      channel: { title: 'Channel', width: 90 },
      mode: { title: 'Mode', width: 100 },
      seller_id: { title: 'Seller', width: 180 },
      currency: { title: 'Currency', width: 90 },
      amount: { title: 'Ordered', unit: 'locale', decimals: 2 },
    },
    sql: `
SELECT order_id, stuck_step, waiting_since, stuck_since, status, channel, mode, seller_id, currency,
  ${majorUnits('ordered_minor')} AS amount
FROM stuck_orders
WHERE ${selectedOrders}
ORDER BY stuck_since, order_id
LIMIT 100`,
  });

/** What becomes of orders. */
export function orderPanels(): readonly ModernPanel[] {
  return [byStatus(), stuckBySteps(), stepTimes(), stuckList()];
}
