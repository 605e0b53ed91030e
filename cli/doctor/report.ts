import type { Check } from './check.ts';

const MARKS: Readonly<Record<Check['status'], string>> = { ok: 'ok', warning: 'warn', failed: 'FAIL' };

/** The table that a person reads; what to do stands below the line that it is for. */
export function reportLines(checks: readonly Check[]): readonly string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, found, fix }) => [
    `${MARKS[status].padEnd(5)} ${name.padEnd(width)}  ${found}`,
    ...(fix === undefined ? [] : [`${' '.repeat(6 + width)}  → ${fix}`]),
  ]);
  return [...lines, '', verdict(checks)];
}

function verdict(checks: readonly Check[]): string {
  const failed = checks.filter(({ status }) => status === 'failed').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  if (failed > 0) return `${failed} of ${checks.length} checks failed`;
  return warnings > 0 ? `all is well, with ${warnings} warning(s)` : 'all is well';
}
