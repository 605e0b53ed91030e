import { rebuildShopTables } from '../../processors/rebuild/rebuild-shop-tables.ts';
import { shopApplication } from '../../processors/application.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../schemas/tables.ts';
import { openLog, openWarehouse } from '../backends.ts';
import { usageError, type CommandContext } from '../command.ts';
import { didYouMean } from '../nearest.ts';
import { formatCount, ProgressLine } from '../progress.ts';
import type { Session } from '../session.ts';
import { requireStopped } from './require-stopped.ts';

const TABLES: readonly string[] = [...FACT_TABLES, ...Object.keys(VERSIONED_TABLES)];
/** Further places are only counted. */
const MOST_NAMED = 50;

export interface TablesRequest {
  /** All where there is none. */
  readonly tables: readonly string[];
  /** Says what would be done, and does nothing. */
  readonly isDry: boolean;
}

/** `rebuild tables`: facts and window results from the log. Exit code 1 where something is or stays wrong. */
export async function tables(
  session: Session,
  { print, note }: Pick<CommandContext, 'print' | 'note'>,
  { tables: wanted, isDry }: TablesRequest,
): Promise<number> {
  const { config, own } = session;
  if (config.kafka.brokers.length === 0 || config.clickhouse.url === undefined) await own();
  const kafka = await openLog(session);
  const { groupId } = shopApplication(config);
  const mustBeStopped = () => requireStopped(kafka, groupId);
  await mustBeStopped();
  const line = new ProgressLine();
  let unsettled = 0;
  const startedMs = performance.now();
  const { report, isRight } = await rebuildShopTables({
    ...{ config, kafka, clickhouse: await openWarehouse(session), now: Date.now, log: session.log },
    ...{ isDry, requireStopped: mustBeStopped },
    tables: TABLES.filter((table) => wanted.length === 0 || wanted.includes(table)),
    onProgress: (what, done) => line.show(`${what}: ${formatCount(done)} rows compared`),
    onStep: (text) => note(text),
    onUnsettled: ({ table, place, reason }) => {
      if (unsettled++ < MOST_NAMED) note(`${table}, ${place}: ${reason}`);
    },
  });
  line.finish();
  if (unsettled > MOST_NAMED) note(`and ${unsettled - MOST_NAMED} more`);
  const seconds = Math.round(performance.now() - startedMs) / 1000;
  print(JSON.stringify({ ...report, seconds }));
  const isTouched = report.rowsWritten + report.rowsDeleted > 0;
  return isRight && !(isDry && isTouched) ? 0 : 1;
}

/** @throws MillraceError MR_CLI_USAGE with the nearest name */
export function requireTables(wanted: readonly string[]): void {
  for (const table of wanted)
    if (!TABLES.includes(table))
      throw usageError(`no table "${table}"${didYouMean(table, TABLES)} (${TABLES.join(', ')})`, 'rebuild');
}
