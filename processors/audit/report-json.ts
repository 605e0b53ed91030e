import type { AuditReport, AuditStore } from '../runtime/audit/index.ts';
import { totalsOf } from './totals.ts';

/** The last line of `millrace audit`. */
export interface AuditSummary {
  /** Partitions of inputs that were compared. */
  readonly partitions: number;
  readonly recordsIn: number;
  readonly gaps: number;
  readonly duplicates: number;
  readonly altered: number;
  /** What no task has said. */
  readonly foreign: number;
  readonly unproven: number;
  /** Checks of which nothing is known since a store did not answer. */
  readonly failed: number;
  readonly stores: Readonly<Partial<Record<AuditStore, StoreSummary>>>;
  readonly seconds: number;
}

interface StoreSummary {
  readonly there: number;
  readonly gaps: number;
  readonly duplicates: number;
  readonly altered: number;
  readonly foreign: number;
  readonly unproven: number;
  /** When the part that was checked longest ago was checked. */
  readonly checkedAt: string;
}

export function summaryOf(report: AuditReport): AuditSummary {
  const stores = [...new Set(report.lines.map(({ store }) => store))];
  const { recordsIn, gaps, duplicates, altered, foreign, unproven } = totalsOf(report);
  return {
    partitions: report.lines.filter(({ input }) => input !== undefined).length,
    ...{ recordsIn, gaps, duplicates, altered, foreign, unproven, failed: report.failures.length },
    stores: Object.fromEntries(stores.map((store) => [store, ofStore(report, store)])),
    seconds: Number(report.seconds.toFixed(3)),
  };
}

function ofStore(report: AuditReport, store: AuditStore): StoreSummary {
  const { there, gaps, duplicates, altered, foreign, unproven, checkedAtMs } = totalsOf(
    report,
    (place) => place.store === store,
  );
  return {
    there,
    gaps,
    duplicates,
    altered,
    foreign,
    unproven,
    checkedAt: new Date(checkedAtMs).toISOString(),
  };
}
