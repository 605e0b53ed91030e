import type { ClickHouse } from '../platform/clickhouse/port.ts';
import { MillraceError } from '../platform/errors.ts';
import type { Logger } from '../platform/log.ts';

/** Pause between two tries: an empty shop must not cost a query for each request. */
const PAUSE_MS = 10_000;
const TIMEOUT_MS = 1000;

/**
 * The most viewed items of all time, read from the facts. Asked only when an answer would be empty: after a start on a
 * shop whose online store has lost or outlived everything.
 */
export type PopularItems = () => Promise<readonly string[]>;

export function createPopularItems(
  clickhouse: ClickHouse | undefined,
  options: { readonly now: () => number; readonly log: Logger },
): PopularItems {
  let triedAtMs = -Infinity;
  let found: Promise<readonly string[]> = Promise.resolve([]);
  return () => {
    if (clickhouse === undefined) return found;
    const nowMs = options.now();
    if (nowMs - triedAtMs >= PAUSE_MS) {
      triedAtMs = nowMs;
      found = read(clickhouse, options.log);
    }
    return found;
  };
}

async function read(clickhouse: ClickHouse, log: Logger): Promise<readonly string[]> {
  try {
    const rows = await clickhouse.query<{ item_id: string }>(
      `SELECT item_id FROM clicks WHERE event_type = 'ProductViewed' AND item_id != ''
       GROUP BY item_id ORDER BY count() DESC, item_id LIMIT 200`,
      { timeoutMs: TIMEOUT_MS },
    );
    return rows.map((row) => row.item_id);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    log.warn({ code: error.code }, 'popular items cannot be read from ClickHouse; it is asked again in 10 s');
    return [];
  }
}
