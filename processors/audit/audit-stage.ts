import { errorText, MillraceError } from '../../platform/errors.ts';
import type { ClickHouse, Row } from '../../platform/clickhouse/port.ts';
import type { Logger } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Auditor, AuditReport, AuditStore } from '../runtime/audit/index.ts';
import { totalsOf, type AuditTotals } from './totals.ts';

export interface AuditStageOptions {
  readonly auditor: Auditor;
  readonly clickhouse: ClickHouse;
  readonly metrics: Metrics;
  readonly instance: string;
  /** 0: on demand only. */
  readonly intervalMs: number;
  /** Whether this process is the one of all processors that audits. */
  readonly isOnDuty: () => boolean;
  readonly now: () => number;
  readonly log: Logger;
}

export interface AuditStage {
  /** A pass now, beside those of the clock. */
  pass(): Promise<AuditReport>;
  close(): Promise<void>;
}

const STORES: readonly AuditStore[] = ['kafka', 'clickhouse', 'redis'];

/** Runs the auditor again and again and tells of it by metrics, rows of `audit_samples` and warnings. */
export function startAuditStage(options: AuditStageOptions): AuditStage {
  const { auditor, intervalMs, isOnDuty, now, log } = options;
  const stopping = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  let isRunning = false;
  let ended = false;
  let lastMs = now();

  const pass = async () => {
    const report = await auditor.pass(stopping.signal);
    await tell(report, options);
    return report;
  };
  const begin = () => {
    if (isRunning || ended || !isOnDuty() || now() - lastMs < intervalMs) return;
    isRunning = true;
    lastMs = now();
    running = pass()
      .catch((error: unknown) => {
        if (stopping.signal.aborted) return;
        const code = error instanceof MillraceError ? error.code : 'MR_INTERNAL';
        options.metrics.counter('millrace_audit_failures_total').inc({ code });
        log.warn(
          { code, error: errorText(error) },
          'an audit came to nothing; check the stores, the next one follows',
        );
      })
      .finally(() => (isRunning = false));
  };
  const timer = intervalMs > 0 ? setInterval(begin, Math.min(1000, intervalMs)) : undefined;
  return {
    pass,
    async close() {
      ended = true;
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}

async function tell(report: AuditReport, options: AuditStageOptions): Promise<void> {
  const { metrics, log, now, clickhouse, instance } = options;
  metrics.histogram('millrace_audit_pass_seconds').observe(report.seconds);
  for (const store of STORES) {
    const lines = report.lines.filter((line) => line.store === store);
    if (lines.length === 0) continue;
    const totals = totalsOf(report, (place) => place.store === store);
    metrics.gauge('millrace_audit_gaps').set({ store }, totals.gaps);
    metrics.gauge('millrace_audit_duplicates').set({ store }, totals.duplicates + totals.foreign);
    metrics.gauge('millrace_audit_altered').set({ store }, totals.altered);
    metrics.gauge('millrace_audit_unproven').set({ store }, totals.unproven);
    const oldestMs = Math.min(...lines.map(({ checkedAtMs }) => checkedAtMs ?? report.atMs));
    metrics.gauge('millrace_audit_age_seconds').set({ store }, Math.max(0, now() - oldestMs) / 1000);
  }
  for (const failure of report.failures) {
    metrics.counter('millrace_audit_failures_total').inc({ code: failure.code });
    log.warn({ ...failure }, 'a part of an audit came to nothing; check the store, the next pass follows');
  }
  for (const finding of report.findings.slice(0, 10))
    log.warn({ ...finding }, 'the auditor found a difference; `millrace audit` shows all of them');
  await clickhouse.insert('audit_samples', sampleRows(report, instance));
}

/** A row for each topic, table or sub-topology with keys. */
function sampleRows(report: AuditReport, instance: string): Row[] {
  const places = new Map(report.lines.map(({ store, what }) => [`${store}|${what}`, { store, what }]));
  return [...places.values()].map(({ store, what }) => {
    const totals: AuditTotals = totalsOf(report, (place) => place.store === store && place.what === what);
    const { there, unproven, gaps, duplicates, altered, foreign, checkedAtMs } = totals;
    const pass = { at: report.atMs, instance, pass_seconds: report.seconds };
    return {
      ...pass,
      store,
      what,
      there,
      unproven,
      checked_at: checkedAtMs,
      gaps,
      duplicates,
      altered,
      foreign,
    };
  });
}
