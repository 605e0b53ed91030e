import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../platform/config.ts';
import { untilSignal } from '../../platform/shutdown.ts';
import { summaryOf } from '../../processors/audit/report-json.ts';
import type { AuditReport } from '../../processors/runtime/audit/index.ts';
import { FACT_TABLES, VERSIONED_TABLES } from '../../schemas/tables.ts';
import { openAudit } from '../audit/open-audit.ts';
import { reportText } from '../audit/report-text.ts';
import { defineCommand, usageError } from '../command.ts';
import { nearest } from '../nearest.ts';
import { withSession } from '../session.ts';

export const auditCommand = defineCommand({
  usage: '[--once|--watch] [--table NAME] [--json]',
  details:
    'Proves that nothing was lost, doubled or altered between the log, the tables and the online store, by what each task\n' +
    'has committed of its reading and writing (docs/audit.md). Works beside a running demo and on servers. Exit code 1 where\n' +
    'anything was found, or a store did not answer; the last line is JSON.',
  options: {
    once: { type: 'boolean', about: 'one pass over everything that is there (the default)' },
    watch: { type: 'boolean', about: 'pass after pass until Ctrl-C; ends with the last one' },
    interval: { type: 'duration', default: '20s', about: 'watch: time between two passes' },
    table: { type: 'string', placeholder: 'name', about: 'the rows of this table alone' },
    json: { type: 'boolean', about: 'JSON alone, with every line and finding' },
    namespace: { type: 'string', placeholder: 'name', about: 'namespace; MR_NAMESPACE where absent' },
    'data-dir': { type: 'string', placeholder: 'folder', about: 'data folder; MR_DATA_DIR where absent' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['audit', 'one pass over everything'],
    ['audit --data-dir .millrace/demo', 'the same beside a running demo'],
    ['audit --watch --interval 10s', 'again and again'],
    ['audit --table payments', 'one table'],
  ],
  async run({ options, print }) {
    const { once, watch, table, namespace } = options;
    if (once && watch) throw usageError('--once and --watch exclude each other', 'audit');
    if (table !== undefined) requireTable(table);
    const dataDir = options['data-dir'];
    const config = loadConfig({
      MR_LOG_LEVEL: 'warn',
      ...(namespace === undefined ? {} : { MR_NAMESPACE: namespace }),
      ...(dataDir === undefined ? {} : { MR_DATA_DIR: dataDir }),
    });
    return withSession(config, 'audit', async (session) => {
      const audit = await openAudit(session, { isWatching: watch, table });
      const show = (report: AuditReport) => {
        if (options.json)
          print(
            JSON.stringify({ lines: report.lines, findings: report.findings, failures: report.failures }),
          );
        else for (const line of reportText(report)) print(line);
      };
      let report = await audit();
      show(report);
      if (watch) {
        const stop = new AbortController();
        void untilSignal().then(() => stop.abort());
        for (;;) {
          await sleep(options.interval, undefined, { signal: stop.signal }).catch(() => undefined); // the signal ends the wait
          if (stop.signal.aborted) break;
          report = await audit();
          show(report);
        }
      }
      print(JSON.stringify(summaryOf(report)));
      return report.findings.length === 0 && report.failures.length === 0 ? 0 : 1;
    });
  },
});

function requireTable(table: string): void {
  const known = [...FACT_TABLES, ...Object.keys(VERSIONED_TABLES)];
  if (known.includes(table)) return;
  const near = nearest(table, known);
  const hint = near === undefined ? known.join(', ') : `did you mean "${near}"?`;
  throw usageError(`no table "${table}": ${hint}`, 'audit');
}
