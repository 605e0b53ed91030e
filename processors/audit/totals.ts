import type { AuditReport, AuditStore } from '../runtime/audit/index.ts';

/** Sums over a part of a report. */
export interface AuditTotals {
  readonly there: number;
  readonly unproven: number;
  /** Epoch ms of the oldest check; that of the pass where nothing is checked by parts. */
  readonly checkedAtMs: number;
  readonly recordsIn: number;
  readonly gaps: number;
  readonly duplicates: number;
  readonly altered: number;
  readonly foreign: number;
}

export interface Place {
  readonly store: AuditStore;
  readonly what: string;
}

/** The sums of the places that are chosen. */
export function totalsOf(report: AuditReport, isChosen: (place: Place) => boolean = () => true): AuditTotals {
  const lines = report.lines.filter(isChosen);
  const findings = report.findings.filter(isChosen);
  const found = (kind: string) =>
    findings.filter((finding) => finding.kind === kind).reduce((sum, { count }) => sum + count, 0);
  return {
    there: lines.reduce((sum, { there }) => sum + there, 0),
    unproven: lines.reduce((sum, { unproven }) => sum + unproven, 0),
    checkedAtMs: Math.min(report.atMs, ...lines.map(({ checkedAtMs }) => checkedAtMs ?? report.atMs)),
    recordsIn: lines.reduce((sum, { input }) => sum + (input?.read ?? 0), 0),
    gaps: found('gap'),
    duplicates: found('duplicate'),
    altered: found('altered'),
    foreign: found('foreign'),
  };
}
