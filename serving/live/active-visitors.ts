import type { ClickHouse } from '../../platform/clickhouse/port.ts';

export interface ActiveVisitor {
  readonly anonymousId: string;
  /** Epoch ms by event time. */
  readonly lastSeenMs: number;
  readonly productViews: number;
}

/** How far back to look: first where it is cheap, then further for a shop that has gone quiet. */
const LOOK_BACK_MS = [2 * 60_000, 24 * 3_600_000];
const LIMIT = 12;

const SQL = `SELECT anonymous_id, max(toUnixTimestamp64Milli(event_time)) AS last_seen_ms,
  uniq(event_id) AS product_views
FROM clicks
WHERE ingest_time >= fromUnixTimestamp64Milli({sinceMs:Int64}) AND event_type = 'ProductViewed' AND NOT bot
GROUP BY anonymous_id ORDER BY product_views DESC, anonymous_id LIMIT ${LIMIT}`;

interface VisitorRow extends Record<string, unknown> {
  readonly anonymous_id: string;
  readonly last_seen_ms: number;
  readonly product_views: number;
}

/** Devices that viewed products lately, the busiest first: they have a history worth looking at, and stay in the list. */
export async function readActiveVisitors(
  clickhouse: ClickHouse,
  nowMs: number,
): Promise<readonly ActiveVisitor[]> {
  for (const lookBackMs of LOOK_BACK_MS) {
    const rows = await clickhouse.query<VisitorRow>(SQL, {
      params: { sinceMs: Math.floor(nowMs - lookBackMs) },
      timeoutMs: 3000,
    });
    if (rows.length > 0) return rows.map(toVisitor);
  }
  return [];
}

function toVisitor(row: VisitorRow): ActiveVisitor {
  return { anonymousId: row.anonymous_id, lastSeenMs: row.last_seen_ms, productViews: row.product_views };
}
