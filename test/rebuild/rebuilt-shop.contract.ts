/** What a rebuild is held to: the tables of an audited shop, before and after. */
import type { ClickHouse, Row } from '../../platform/clickhouse/port.ts';
import type { Kafka, ProduceRecord } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import {
  rebuildShopTables,
  type RebuildShopTablesOptions,
  type RebuiltTables,
} from '../../processors/rebuild/rebuild-shop-tables.ts';
import { ACCOUNT } from '../../processors/runtime/audit/task-account.ts';
import type { Unsettled } from '../../processors/runtime/rebuild/report.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../schemas/tables.ts';
import type { AuditedShop } from '../audit/audited-shop.contract.ts';

export const TABLES: readonly string[] = [...FACT_TABLES, ...Object.keys(VERSIONED_TABLES)];

export interface ContentOptions {
  /** With the columns that tell when a row was said, and why. */
  readonly isStamped: boolean;
}

/** Every row as readers see it. */
async function contentOf(
  clickhouse: ClickHouse,
  table: string,
  { isStamped }: ContentOptions,
): Promise<readonly string[]> {
  const columns = isStamped ? '*' : `* EXCEPT ('^(version|emitted_at|reason)$')`;
  const rows = await clickhouse.query<Row>(`SELECT ${columns} FROM ${table} FINAL ORDER BY ALL`);
  return rows.map((row) => JSON.stringify(row, inOrder));
}

/** A map has no order of its own. */
function inOrder(_name: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)));
}

export async function contents(
  clickhouse: ClickHouse,
  tables: readonly string[],
  options: ContentOptions = { isStamped: true },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const table of tables) found.set(table, await contentOf(clickhouse, table, options));
  return found;
}

export async function rebuild(
  { config, kafka, clickhouse }: AuditedShop,
  options: Partial<RebuildShopTablesOptions> = {},
): Promise<RebuiltTables & { readonly unsettled: readonly Unsettled[] }> {
  const unsettled: Unsettled[] = [];
  // As the shop runs.
  const processing = { ...config.processing, outOfOrderMs: 0, idleTimeoutMs: 300 };
  const rebuilt = await rebuildShopTables({
    ...{
      config: { ...config, processing },
      kafka,
      clickhouse,
      tables: TABLES,
      isDry: false,
      now: Date.now,
      log: silentLogger(),
    },
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

/**
 * Compacts the changelogs, as time does. Without journals, also their chunks are gone but for the last one of each task.
 */
export async function compactChangelogs(
  kafka: Kafka,
  { isWithJournals }: { readonly isWithJournals: boolean },
): Promise<void> {
  for (const topic of (await kafka.admin.topicNames()).filter((name) => name.includes('changelog'))) {
    const kept: ProduceRecord[] = [];
    const partitions = await kafka.admin.offsets(topic);
    for (const { partition } of partitions) {
      const newest = new Map<string, ProduceRecord>();
      for await (const { records } of kafka.readToEnd({ topic, partition }))
        for (const { key, value, headers, timestampMs } of records) {
          if (key === null || value === null) continue;
          const id = key.toString('latin1');
          newest.delete(id);
          const copy = { key: Buffer.from(key), value: Buffer.from(value) };
          newest.set(id, { topic, partition, headers, timestampMs, ...copy });
        }
      const chunks = [...newest.keys()].filter((key) => key.startsWith(`${ACCOUNT}/rows|`));
      if (!isWithJournals) for (const key of chunks.slice(0, -1)) newest.delete(key);
      kept.push(...newest.values());
    }
    await kafka.admin.deleteTopics([topic]);
    await kafka.admin.ensureTopics([
      { topic, partitions: partitions.length, config: { 'cleanup.policy': 'compact' } },
    ]);
    await kafka.producer().send(kept);
  }
}
