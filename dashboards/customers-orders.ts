import { cohortPanels } from './customers-orders/cohort-panels.ts';
import { nowPanels } from './customers-orders/now-panels.ts';
import { orderPanels } from './customers-orders/order-panels.ts';
import { salesPanels } from './customers-orders/sales-panels.ts';
import { sessionPanels } from './customers-orders/session-panels.ts';
import { CUSTOMERS_ORDERS_UID, PIPELINE_HEALTH_UID, SHOP_LIVE_UID } from './dashboard-uids.ts';
import { builtInAnnotation } from './model/annotations.ts';
import { dashboardLink } from './model/links.ts';
import { ModernDashboard } from './model/modern-dashboard.ts';
import { datasourceVariable, queryVariable } from './model/variables.ts';

/** What becomes of visits, orders and customers over days and months. */
export function customersOrdersDashboard(): ModernDashboard {
  return new ModernDashboard({
    uid: CUSTOMERS_ORDERS_UID,
    title: 'Customers and orders',
    description:
      'Sessions and their way to an order, the life of orders, sales by channel, and who comes back.',
    tags: ['millrace', 'shop'],
    timeFrom: 'now-7d',
    refresh: '1m',
    variables: [
      datasourceVariable(),
      queryVariable({
        name: 'channel',
        label: 'Channel',
        description: 'Channels of the shop; cohorts and trending items are those of all channels.',
        sql: `SELECT DISTINCT channel FROM channel_sales_day WHERE channel != '' ORDER BY channel`,
      }),
      queryVariable({
        name: 'mode',
        label: 'Business mode',
        description: 'Business modes of orders; sessions have none.',
        sql: `SELECT DISTINCT mode FROM channel_sales_day WHERE mode != '' ORDER BY mode`,
      }),
    ],
    annotations: [builtInAnnotation()],
    links: [
      dashboardLink(SHOP_LIVE_UID, 'Shop live', 'What happens right now'),
      dashboardLink(PIPELINE_HEALTH_UID, 'Pipeline health', 'Is what you see here complete and fresh?'),
    ],
    rows: [
      { id: 101, title: 'Now', panels: nowPanels() },
      { id: 102, title: 'Sessions', panels: sessionPanels() },
      { id: 103, title: 'Orders', panels: orderPanels() },
      { id: 104, title: 'Sales', panels: salesPanels() },
      { id: 105, title: 'Customers', panels: cohortPanels() },
    ],
  });
}
