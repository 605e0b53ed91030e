import type { ClickHouseClient } from '@clickhouse/client';
import type { ClickHouse, Row } from '../../platform/clickhouse/port.ts';
import { createBatchWriter } from '../../platform/clickhouse/writer.ts';
import type { Logger } from '../../platform/log.ts';
import { rateOf, takeTurns, type Rounds } from '../rounds.ts';

const BATCH_ROWS = 10_000;
const COLUMNS = 'event_id String, event_time DateTime64(3), item String, amount_minor Int64, currency String';

interface Load {
  readonly rows: number;
  readonly rounds: number;
  readonly log: Logger;
}

function batchOf(batch: number): Row[] {
  const timeMs = Date.UTC(2026, 0, 1);
  return Array.from({ length: BATCH_ROWS }, (_, i) => ({
    event_id: `event-${batch}-${i}`,
    event_time: timeMs + i,
    item: `item-${i % 997}`,
    amount_minor: i,
    currency: 'EUR',
  }));
}

/**
 * The batch writer of the port beside inserts of the raw client, each of the same rows into a table of its own. Both
 * have the same engine, the same batches, one insert at a time.
 */
export async function benchInserts(
  port: ClickHouse,
  raw: ClickHouseClient,
  { rows, rounds, log }: Load,
): Promise<Rounds<string>> {
  for (const table of ['bench_port', 'bench_raw'])
    await port.command(`CREATE TABLE ${table} (${COLUMNS}) ENGINE = MergeTree ORDER BY event_id`);
  const batches = Array.from({ length: rows / BATCH_ROWS }, (_, batch) => batchOf(batch));
  const writer = createBatchWriter(port, { maxRows: BATCH_ROWS, maxBytes: 64 * 1024 * 1024, log });
  const rates = await takeTurns(
    {
      writer: () =>
        rateOf(rows, async () => {
          for (const batch of batches) {
            writer.add('bench_port', batch);
            await writer.flush();
          }
        }),
      rawClient: () =>
        rateOf(rows, async () => {
          for (const values of batches) {
            await raw.insert({
              table: `${port.database}.bench_raw`,
              values,
              format: 'JSONEachRow',
              clickhouse_settings: { async_insert: 0 },
            });
          }
        }),
    },
    rounds,
  );
  for (const table of ['bench_port', 'bench_raw']) {
    const [row] = await port.query<{ rows: number }>(`SELECT count() AS rows FROM ${table}`);
    if (row?.rows !== rows * (rounds + 1)) throw new Error(`${table} has ${row?.rows ?? 0} rows`);
    await port.command(`DROP TABLE ${table}`);
  }
  return rates;
}
