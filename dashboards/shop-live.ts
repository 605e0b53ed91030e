import { builtInAnnotation, queryAnnotation } from './model/annotations.ts';
import { dashboardLink } from './model/links.ts';
import { ModernDashboard } from './model/modern-dashboard.ts';
import { datasourceVariable, queryVariable } from './model/variables.ts';
import { alertPanels } from './shop-live/alert-panels.ts';
import { itemPanels } from './shop-live/item-panels.ts';
import { nowPanels } from './shop-live/now-panels.ts';
import { salesPanels } from './shop-live/sales-panels.ts';
import { visitorPanels } from './shop-live/visitor-panels.ts';
import { CUSTOMERS_ORDERS_UID, PIPELINE_HEALTH_UID, SHOP_LIVE_UID } from './dashboard-uids.ts';

const criticalAlerts = `
SELECT event_time AS time, concat(kind, ': ', summary) AS text, concat(severity, ',', kind) AS tags
FROM alerts FINAL
WHERE severity = 'critical' AND $__timeFilter(event_time)
ORDER BY time DESC
LIMIT 200`;

/** What happens in the shop right now: the overview that everything else is reached from. */
export function shopLiveDashboard(): ModernDashboard {
  return new ModernDashboard({
    uid: SHOP_LIVE_UID,
    title: 'Shop live',
    description: 'Visitors, sales, recommendations, fraud and parcels of the shop, as they happen.',
    tags: ['millrace', 'shop'],
    timeFrom: 'now-1h',
    refresh: '10s',
    variables: [
      datasourceVariable(),
      queryVariable({
        name: 'channel',
        label: 'Channel',
        description: 'Channels of the shop; panels that cannot tell the channel say so.',
        sql: 'SELECT DISTINCT channel FROM shop_minute ORDER BY channel',
      }),
    ],
    annotations: [
      builtInAnnotation(),
      queryAnnotation({ name: 'Critical alerts', color: 'red', sql: criticalAlerts, enabled: true }),
    ],
    links: [
      dashboardLink(PIPELINE_HEALTH_UID, 'Pipeline health', 'Is what you see here complete and fresh?'),
      dashboardLink(
        CUSTOMERS_ORDERS_UID,
        'Customers and orders',
        'Sessions, the life of orders, who comes back',
      ),
    ],
    rows: [
      { id: 101, title: 'Now', panels: nowPanels() },
      { id: 102, title: 'Visitors', panels: visitorPanels() },
      { id: 103, title: 'Sales', panels: salesPanels() },
      { id: 104, title: 'Items and recommendations', panels: itemPanels() },
      { id: 105, title: 'Fraud and delivery', panels: alertPanels() },
    ],
  });
}
