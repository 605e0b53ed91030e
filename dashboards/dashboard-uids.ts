/** Uids of the dashboards: part of their address, never changed. */
export const SHOP_LIVE_UID = 'millrace-shop-live';
export const PIPELINE_HEALTH_UID = 'millrace-pipeline-health';
export const CUSTOMERS_ORDERS_UID = 'millrace-customers-orders';
