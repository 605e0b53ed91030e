import type { Config } from '../../platform/config.ts';
import { hasCode } from '../../platform/errors.ts';
import { FULL_DEPTH, shopAuditor, WATCH_DEPTH } from '../../processors/audit/shop-auditor.ts';
import type { AuditReport } from '../../processors/runtime/audit/index.ts';
import { openLog, openStore, openWarehouse } from '../backends.ts';
import type { Session } from '../session.ts';
import { requireLog } from '../state/open-state.ts';
import { askForAudit } from './endpoint.ts';

/** One pass after the other. */
export type OpenAudit = () => Promise<AuditReport>;

/**
 * An auditor over the engines of the configuration, or, where another process owns the data folder, that one through its
 * control socket.
 * @throws MillraceError MR_STATE_NOT_FOUND where there is no log
 */
export async function openAudit(
  session: Session,
  { isWatching, table }: { readonly isWatching: boolean; readonly table: string | undefined },
): Promise<OpenAudit> {
  const { config, own } = session;
  requireLog(config);
  if (isEmbedded(config)) {
    try {
      await own();
    } catch (error) {
      if (!hasCode(error, 'MR_EMBEDDED_IN_USE')) throw error;
      return () => askForAudit(config.dataDir, { isFull: !isWatching, table });
    }
  }
  const kafka = await openLog(session);
  const clickhouse = await openWarehouse(session);
  const store = await openStore(session);
  const auditor = shopAuditor({
    ...{ config, kafka, clickhouse, store, now: Date.now, depth: isWatching ? WATCH_DEPTH : FULL_DEPTH },
    ...(table === undefined ? {} : { table }),
  });
  return () => auditor.pass();
}

/** Whether any of the engines is in the data folder, which one process owns. */
export function isEmbedded({ kafka, clickhouse, redis }: Config): boolean {
  return kafka.brokers.length === 0 || clickhouse.url === undefined || redis.url === undefined;
}
