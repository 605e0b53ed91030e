import { randomUUID } from 'node:crypto';
import type { Config } from '../../platform/config.ts';
import type { Logger } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Lifetime } from '../../platform/shutdown.ts';
import { startAuditStage } from '../../processors/audit/audit-stage.ts';
import { FULL_DEPTH, shopAuditor, WATCH_DEPTH } from '../../processors/audit/shop-auditor.ts';
import type { StreamRunner } from '../../processors/runtime/run/runner.ts';
import type { Backends } from '../backends.ts';
import type { Session } from '../session.ts';
import { auditEndpoint } from './endpoint.ts';
import { isEmbedded } from './open-audit.ts';

export interface AuditingOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly lifetime: Lifetime;
  readonly own?: Session['own'];
  readonly backends: Backends;
  readonly metrics: Metrics;
  readonly runner: StreamRunner;
}

/** The auditor beside the processors; in a data folder, those who ask through the control socket are answered too. */
export async function startAuditing(options: AuditingOptions): Promise<void> {
  const { config, log, lifetime, own, backends, metrics, runner } = options;
  const { kafka, clickhouse, store } = backends;
  const open = { config, kafka, clickhouse, store, now: Date.now };
  const stage = startAuditStage({
    auditor: shopAuditor({ ...open, depth: WATCH_DEPTH }),
    ...{ clickhouse, metrics, log, now: Date.now },
    instance: randomUUID(),
    intervalMs: config.processing.auditIntervalMs,
    // Of all processes that run tasks, the one with the first partition of the journal.
    isOnDuty: () => runner.tasks.some(({ id }) => id === 'journal-0'),
  });
  lifetime.add('auditor', stage);
  if (own === undefined || !isEmbedded(config)) return;
  const owner = await own();
  owner.serve(
    auditEndpoint(({ isFull, table }) => {
      if (!isFull) return stage.pass();
      return shopAuditor({ ...open, depth: FULL_DEPTH, ...(table === undefined ? {} : { table }) }).pass();
    }),
  );
}
