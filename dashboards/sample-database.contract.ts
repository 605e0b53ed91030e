/** The sample shop in the ClickHouse engine in process, on tables that the migrations made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../platform/clickhouse/migrate.ts';
import { openClickHouse } from '../platform/clickhouse/open.ts';
import type { ClickHouse, Row } from '../platform/clickhouse/port.ts';
import { Secret } from '../platform/config.ts';
import { silentLogger } from '../platform/log.ts';
import { clickhouseMigrations } from '../schemas/migrations.ts';
import { allDashboards } from './build.ts';
import { contentPanels, panelQueries } from './lint/walk.ts';
import { sampleShop } from './sample-shop.ts';
import { expandMacros, expandTemplate, type Selection } from './sql-macros.ts';

export const MINUTE_MS = 60_000;
/** Far enough back that every bucket before it has settled. */
export const TO_MS = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 3 * MINUTE_MS;
export const RANGE = { fromMs: TO_MS - 60 * MINUTE_MS, toMs: TO_MS, intervalMs: MINUTE_MS };

/** What the data source sends for a query of the range. */
export const expand = (sql: string, selection: Selection = {}) =>
  expandMacros(expandTemplate(sql, selection), RANGE);

export interface SampleDatabase {
  readonly clickhouse: ClickHouse;
  /** What the first query of a panel returns. */
  rowsOf(uid: string, panelId: number, selection?: Selection): Promise<Row[]>;
  /** Another database of the same engine, without rows. */
  openEmpty(): Promise<ClickHouse>;
  close(): Promise<void>;
}

export async function openSampleDatabase(): Promise<SampleDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-dashboards-'));
  const openMigrated = async (database: string): Promise<ClickHouse> => {
    const config = { url: undefined, user: 'default', password: new Secret(''), database };
    const opened = await openClickHouse({ config, dataDir, log: silentLogger() });
    await migrate(opened, clickhouseMigrations(), { now: () => TO_MS });
    return opened;
  };
  const clickhouse = await openMigrated('dashboards');
  for (const [table, rows] of Object.entries(sampleShop(TO_MS))) {
    await clickhouse.insert(table, rows);
    // In an insert of its own: rows of one block are merged before they are written.
    await clickhouse.insert(table, rows.slice(0, 1));
  }
  return {
    clickhouse,
    rowsOf: (uid, panelId, selection = {}) => {
      const dashboard = allDashboards().find((candidate) => candidate.uid === uid);
      const panel = dashboard && contentPanels(dashboard).find((candidate) => candidate.id === panelId);
      const [query] = panel === undefined ? [] : panelQueries(panel);
      if (query === undefined) throw new Error(`no query of panel ${panelId} of ${uid}`);
      return clickhouse.query<Row>(expand(query.sql, selection));
    },
    openEmpty: () => openMigrated('empty'),
    close: async () => {
      await clickhouse.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
