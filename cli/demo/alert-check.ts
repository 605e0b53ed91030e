import { readFile } from 'node:fs/promises';
import type { ClickHouse } from '../../platform/clickhouse/port.ts';

interface Planted {
  readonly kind: string;
  readonly entityId: string;
  readonly fromMs: number;
  readonly expectedByMs: number;
}

export interface AlertResult {
  /** Alerts raised in this run. */
  readonly alerts: number;
  /** Planted faults whose alert is due. */
  readonly expected: number;
  /** Of these, faults without an alert. */
  readonly missed: number;
  /** Epoch ms at which the last planted fault is due. */
  readonly lastDueMs: number;
}

/** Compares the alerts with the ground truth that the simulator wrote, fault by fault. */
export async function checkAlerts(
  clickhouse: ClickHouse,
  truthPath: string,
  run: { readonly sinceMs: number; readonly nowMs: number },
): Promise<AlertResult> {
  const planted = (await readTruth(truthPath)).filter((fault) => fault.fromMs >= run.sinceMs);
  const rows = await clickhouse.query<{ kind: string; entity_id: string }>(
    'SELECT kind, entity_id FROM alerts FINAL WHERE ingest_time >= fromUnixTimestamp64Milli({since:Int64})',
    { params: { since: run.sinceMs } },
  );
  const raised = new Set(rows.map((row) => `${row.kind} ${row.entity_id}`));
  const due = planted.filter((fault) => fault.expectedByMs <= run.nowMs);
  return {
    alerts: rows.length,
    expected: due.length,
    missed: due.filter((fault) => !raised.has(`${fault.kind} ${fault.entityId}`)).length,
    lastDueMs: Math.max(0, ...planted.map((fault) => fault.expectedByMs)),
  };
}

async function readTruth(path: string): Promise<readonly Planted[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    // A run that planted nothing has written no file.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Planted);
}
