import type { AuditLine, AuditReport, Finding } from '../../processors/runtime/audit/index.ts';
import { tableText } from '../state/table.ts';

const HEAD = [
  ...['store', 'what', 'part', 'there', 'read', 'facts', 'dupl', 'late', 'dead', 'unproven'],
  ...['gaps', 'doubled', 'altered', 'foreign'],
];

/** A table for people, places without anything left out, and what was found. */
export function reportText(report: AuditReport): readonly string[] {
  const lines = report.lines.filter((line) => line.there > 0 || findingsOf(report, line).length > 0);
  const rows = lines.map((line) => {
    const { store, what, partition, there, input, unproven } = line;
    const counts = [input?.read, input?.facts, input?.duplicates, input?.late, input?.dead];
    const found = findingsOf(report, line);
    const sum = (kind: Finding['kind']) =>
      found.filter((finding) => finding.kind === kind).reduce((all, { count }) => all + count, 0);
    return [
      ...[store, what, partition ?? '-', there, ...counts.map((count) => count ?? '-'), unproven],
      ...[sum('gap'), sum('duplicate'), sum('altered'), sum('foreign')],
    ];
  });
  const failures = report.failures.map(
    ({ check, code, reason }) => `NOT CHECKED  ${check}: ${code}: ${reason}`,
  );
  return [...tableText(HEAD, rows), ...report.findings.map(findingText), ...failures];
}

/** A finding counts once: where a line speaks of a partition, with that, else with the first of its place. */
function findingsOf({ lines, findings }: AuditReport, line: AuditLine): readonly Finding[] {
  const ofPlace = lines.filter(({ store, what }) => store === line.store && what === line.what);
  return findings.filter(({ store, what, partition }) => {
    if (store !== line.store || what !== line.what) return false;
    return (ofPlace.find((other) => other.partition === partition) ?? ofPlace[0]) === line;
  });
}

function findingText({ store, kind, what, count, place, reason }: Finding): string {
  return `${kind.toUpperCase()}  ${store} ${what}: ${count} at ${place}: ${reason}`;
}
