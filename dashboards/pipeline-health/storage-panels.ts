import { barGaugePanel, tablePanel } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';

/** Table → the time column that tells the age of its newest row; both are free to read from the parts' indexes. */
const NEWEST_BY: Readonly<Record<string, string>> = {
  clicks: 'ingest_time',
  orders: 'ingest_time',
  payments: 'ingest_time',
  scans: 'ingest_time',
  served: 'ingest_time',
  risk_decisions: 'ingest_time',
  alerts: 'ingest_time',
  shop_minute: 'window_start',
  item_minute: 'window_start',
  sales_minute: 'window_start',
  channel_sales_minute: 'window_start',
  sessions: 'session_start',
  order_life: 'updated_at',
  pipeline_samples: 'at',
};

/** From system.tables, which every user may read; system.parts needs a grant of its own. */
const rows = () =>
  barGaugePanel({
    id: 40,
    title: 'Rows by table',
    about: {
      what: 'Rows stored in each table, repeated writes that ClickHouse has not merged yet included.',
      why: 'Growth to plan disks by, and a quick look at whether all facts arrive.',
      action:
        'A fact table that does not grow: look for its events in the collector and in the dead letters.',
    },
    unit: 'short',
    width: 8,
    height: 9,
    value: 'stored_rows',
    sql: `
SELECT name AS table_name, total_rows AS stored_rows
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY stored_rows DESC, table_name
LIMIT 15`,
  });

const bytes = () =>
  barGaugePanel({
    id: 41,
    title: 'Disk by table',
    about: {
      what: 'Compressed bytes of each table on disk.',
      why: 'Tells which table fills the disk.',
      action: 'Shorten the lifetime of the table, or add disk, before it is 80 % full.',
    },
    unit: 'bytes',
    width: 8,
    height: 9,
    value: 'disk_bytes',
    sql: `
SELECT name AS table_name, total_bytes AS disk_bytes
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY disk_bytes DESC, table_name
LIMIT 15`,
  });

const newest = () =>
  tablePanel({
    id: 42,
    title: 'Newest row by table',
    about: {
      what: 'Newest row of each table and its age: facts by the time they were accepted, windows by the start of the newest minute (100 s is normal), samples by their time.',
      why: 'A table that stands still while the others move has lost its source or its writer.',
      action:
        'Alerts and risk decisions may be quiet. For the others: look for the table in the log of the processors.',
    },
    unit: 'none',
    width: 8,
    height: 9,
    columns: {
      table_name: { title: 'Table' },
      newest_row: { title: 'Newest row', unit: 'dateTimeAsIso' },
      age: { title: 'Age', unit: 's', decimals: 0, width: 110 },
    },
    sortBy: { column: 'age', descending: true },
    sql: `
SELECT table_name, newest_row, dateDiff('millisecond', newest_row, now64(3)) / 1000 AS age
FROM (
${Object.entries(NEWEST_BY)
  .map(
    ([table, column]) =>
      `  SELECT '${table}' AS table_name, if(count() = 0, NULL, max(${column})) AS newest_row FROM ${table}`,
  )
  .join('\n  UNION ALL\n')}
)
ORDER BY age DESC, table_name`,
  });

/** What ClickHouse holds. */
export function storagePanels(): readonly ModernPanel[] {
  return [rows(), bytes(), newest()];
}
