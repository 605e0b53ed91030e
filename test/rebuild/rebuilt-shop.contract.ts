/** What a rebuild is held to: the tables of an audited shop, before and after. */
import type { ClickHouse, Row } from '../../platform/clickhouse/port.ts';
import { silentLogger } from '../../platform/log.ts';
import {
  rebuildShopTables,
  type RebuildShopTablesOptions,
  type RebuiltTables,
} from '../../processors/rebuild/rebuild-shop-tables.ts';
import type { Unsettled } from '../../processors/runtime/rebuild/report.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../schemas/tables.ts';
import type { AuditedShop } from '../audit/audited-shop.contract.ts';

export const TABLES: readonly string[] = [...FACT_TABLES, ...Object.keys(VERSIONED_TABLES)];

/** Every row as readers see it. */
export async function contentOf(clickhouse: ClickHouse, table: string): Promise<readonly string[]> {
  const rows = await clickhouse.query<Row>(`SELECT * FROM ${table} FINAL ORDER BY ALL`);
  return rows.map((row) => JSON.stringify(row));
}

export async function contents(
  clickhouse: ClickHouse,
  tables: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const table of tables) found.set(table, await contentOf(clickhouse, table));
  return found;
}

export async function rebuild(
  { config, kafka, clickhouse }: AuditedShop,
  options: Partial<RebuildShopTablesOptions> = {},
): Promise<RebuiltTables & { readonly unsettled: readonly Unsettled[] }> {
  const unsettled: Unsettled[] = [];
  const rebuilt = await rebuildShopTables({
    ...{ config, kafka, clickhouse, tables: TABLES, isDry: false, now: Date.now, log: silentLogger() },
    requireStopped: () => Promise.resolve(),
    onProgress: () => undefined,
    onStep: () => undefined,
    onUnsettled: (one) => unsettled.push(one),
    ...options,
  });
  return { ...rebuilt, unsettled };
}

/** Names of staging tables that are there. */
export async function staged(clickhouse: ClickHouse): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = {d:String} AND startsWith(name, 'rebuild_')`,
    { params: { d: clickhouse.database } },
  );
  return rows.map(({ name }) => name);
}
