import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import type { Config } from '../../platform/config.ts';
import { errorText, MillraceError } from '../../platform/errors.ts';
import { logReader } from '../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import type { Logger } from '../../platform/log.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../schemas/tables.ts';
import { FACT_MAPPINGS } from '../fact-mappings.ts';
import { AccountReader } from '../runtime/audit/index.ts';
import { shopApplication } from '../application.ts';
import { rebuildFacts } from '../runtime/rebuild/rebuild-facts.ts';
import {
  addReports,
  emptyReport,
  type RebuildEvents,
  type RebuildReport,
  type Unsettled,
} from '../runtime/rebuild/report.ts';
import { rebuildWindows } from '../runtime/rebuild/rebuild-windows.ts';
import { clearSecondRun } from '../runtime/rebuild/second-run.ts';
import { dropLeftovers } from '../runtime/rebuild/table-repair.ts';
import { shopTopology } from '../topologies.ts';

export interface RebuildShopTablesOptions extends RebuildEvents {
  readonly config: Config;
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly tables: readonly string[];
  readonly isDry: boolean;
  readonly now: () => number;
  readonly log: Logger;
}

export interface RebuiltTables {
  readonly report: RebuildReport;
  /** Whether nothing is left that is known to be wrong. */
  readonly isRight: boolean;
}

/** In a second run an input at its end stays there, so that there is little to wait for. */
const MAX_IDLE_MS = 5000;

/**
 * Makes tables hold what the shop's processors, which do not run, have committed. Leftovers of a run that was cut off are
 * cleared away first.
 * @throws MillraceError MR_REBUILD_STOPPED with the table where it ended, MR_REBUILD_CONTESTED, MR_STATE_RUNNING
 */
export async function rebuildShopTables(options: RebuildShopTablesOptions): Promise<RebuiltTables> {
  const { config, kafka, clickhouse, tables } = options;
  const { subtopologies } = shopTopology(config.processing);
  const accounts = new AccountReader(logReader(kafka), config.namespace);
  let isRight = true;
  const base = {
    ...options,
    ...{ namespace: config.namespace, subtopologies, mappings: FACT_MAPPINGS, accounts },
    onUnsettled: (unsettled: Unsettled) => {
      isRight = false;
      options.onUnsettled(unsettled);
    },
  };
  let report = emptyReport();
  await during('before the first table', async () => {
    const all = [...FACT_TABLES, ...Object.keys(VERSIONED_TABLES)];
    await dropLeftovers(clickhouse, all);
    await clearSecondRun(config.dataDir);
    await accounts.refresh();
  });
  for (const table of FACT_TABLES) {
    if (!tables.includes(table)) continue;
    report = addReports(report, await during(`at the table ${table}`, () => rebuildFacts(table, base)));
  }
  const windows = Object.keys(VERSIONED_TABLES).filter((table) => tables.includes(table));
  if (windows.length > 0)
    report = addReports(
      report,
      await during('at the window tables', () => rebuildWindows(windows, windowOptions(base))),
    );
  return { report, isRight };
}

function windowOptions<T extends RebuildShopTablesOptions & { readonly accounts: AccountReader }>(base: T) {
  const { config } = base;
  const { outOfOrderMs, idleTimeoutMs, commitIntervalMs } = config.processing;
  return {
    ...base,
    application: shopApplication(config),
    dataDir: config.dataDir,
    minFreeBytes: config.minFreeDiskMb * 1024 * 1024,
    settings: {
      watermark: { outOfOrderMs, idleTimeoutMs: Math.min(idleTimeoutMs, MAX_IDLE_MS) },
      commitIntervalMs,
    },
  };
}

/** An outage says where it came. */
async function during<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isOutage = error instanceof MillraceError && (error.retryable || isStore(error));
    if (!isOutage || error.code === 'MR_STATE_RUNNING') throw error;
    throw new MillraceError('MR_REBUILD_STOPPED', `the rebuild ended ${place}: ${errorText(error)}`, {
      cause: error,
      context: { place, code: error.code },
    });
  }
}

/** A full disk is refused by ClickHouse as a statement, and by the log as a write. */
function isStore({ code }: MillraceError): boolean {
  return code === 'MR_CLICKHOUSE_QUERY_FAILED' || code.startsWith('MR_KAFKA') || code.startsWith('MR_DISK');
}
