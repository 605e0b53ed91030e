import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import type { RecordName } from '../../schemas/generated/events.ts';
import { SCHEMAS } from '../../schemas/registry.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';

/** Fact table of each topic that has one. */
const TABLES: Readonly<Record<string, string>> = {
  [SHOP_TOPICS.clickstream.name]: 'clicks',
  [SHOP_TOPICS.orders.name]: 'orders',
  [SHOP_TOPICS.payments.name]: 'payments',
  [SHOP_TOPICS.shipments.name]: 'scans',
};

const TABLE_OF = new Map(SCHEMAS.map((entry) => [entry.record, TABLES[entry.topic]]));

/** Fact table of a record, where it has one. */
export function factTable(record: RecordName): string | undefined {
  return TABLE_OF.get(record);
}

export interface AuditResult {
  /** Facts of this run, over all tables. */
  readonly facts: number;
  /** Acknowledged events that are no fact. */
  readonly lost: number;
  /** Facts beyond one for each eventId. */
  readonly duplicated: number;
}

/**
 * Compares what was acknowledged with what is in the fact tables, id by id: nothing is inferred from offsets or totals.
 *
 * @param acknowledged eventIds by fact table
 * @param sinceMs ingest time from which on rows belong to this run
 */
export async function auditFacts(
  clickhouse: ClickHouse,
  acknowledged: ReadonlyMap<string, ReadonlySet<string>>,
  sinceMs: number,
): Promise<AuditResult> {
  let facts = 0;
  let lost = 0;
  let duplicated = 0;
  for (const table of new Set(Object.values(TABLES))) {
    const rows = await clickhouse.query<{ id: string }>(
      `SELECT toString(event_id) AS id FROM ${table} FINAL WHERE ingest_time >= fromUnixTimestamp64Milli({since:Int64})`,
      { params: { since: sinceMs }, timeoutMs: 120_000 },
    );
    const present = new Set(rows.map(({ id }) => id));
    facts += rows.length;
    duplicated += rows.length - present.size;
    for (const id of acknowledged.get(table) ?? []) if (!present.has(id)) lost += 1;
  }
  return { facts, lost, duplicated };
}
