import { setTimeout as sleep } from 'node:timers/promises';
import { askEndpoint } from '../../platform/control/control-client.ts';
import type { ControlEndpoint } from '../../platform/control/control-endpoint.ts';
import type { AuditReport } from '../../processors/runtime/audit/index.ts';

const NAME = 'audit';
/** Who asks gives up after half a minute of silence, and a pass may take longer. */
const STILL_THERE_MS = 5000;

/** How much is asked for: everything anew, or the next pass of the auditor that runs there. */
export interface AuditAsked {
  readonly isFull: boolean;
  readonly table: string | undefined;
}

/** Lets others ask the owner of a data folder for an audit through its control socket. */
export function auditEndpoint(audit: (asked: AuditAsked) => Promise<AuditReport>): ControlEndpoint {
  return {
    name: NAME,
    async *answer(query) {
      const isFull = query.get('depth') === 'full';
      const report = audit({ isFull, table: query.get('table') ?? undefined });
      const done = report.then(
        () => true,
        () => true, // told below
      );
      while (!(await Promise.race([done, sleep(STILL_THERE_MS, false, { ref: false })])))
        yield { isWaiting: true };
      yield await report;
    },
  };
}

/** @throws MillraceError MR_CONTROL_FAILED, or what has failed there */
export async function askForAudit(dataDir: string, { isFull, table }: AuditAsked): Promise<AuditReport> {
  const query = new URLSearchParams({ depth: isFull ? 'full' : 'watch' });
  if (table !== undefined) query.set('table', table);
  let last: unknown;
  for await (const part of askEndpoint(dataDir, NAME, query)) last = part;
  return last as AuditReport;
}
