import type { Metrics } from '../platform/metrics.ts';
import type { StreamRunner } from './runtime/run/runner.ts';
import type { TaskCounters } from './runtime/task/outcomes.ts';
import type { Task } from './runtime/task/task.ts';

const OUTCOMES = {
  ok: 'ok',
  dropped: 'dropped',
  duplicate: 'duplicate',
  late: 'late',
  deadLetter: 'dead_letter',
  redirected: 'redirected',
  lateResult: 'late_result',
  deadResult: 'dead_result',
  refused: 'refused',
} as const satisfies Record<keyof TaskCounters, string>;

/**
 * Brings Prometheus metrics up to what the tasks have counted. Tasks count in plain fields, since a metric call for each
 * record would cost more than the record; the difference since the last call is added here.
 */
export function runnerMetrics(metrics: Metrics, runner: StreamRunner, now: () => number): () => void {
  const seen = new WeakMap<Task, TaskCounters>();
  let seenOnline = { applied: 0, stale: 0 };

  const countTask = (task: Task) => {
    const before = seen.get(task);
    for (const [field, outcome] of Object.entries(OUTCOMES) as [keyof TaskCounters, string][]) {
      const added = task.counters[field] - (before?.[field] ?? 0);
      if (added > 0) {
        metrics
          .counter('millrace_processed_records_total')
          .inc({ subtopology: task.subtopology.name, outcome }, added);
      }
    }
    seen.set(task, { ...task.counters });
  };

  return () => {
    const gauges = new Map<string, { lag: number; watermarkLagMs: number; entries: number }>();
    for (const task of runner.tasks) {
      countTask(task);
      const gauge = gauges.get(task.subtopology.name) ?? { lag: 0, watermarkLagMs: 0, entries: 0 };
      gauge.lag += task.lagRecords;
      gauge.entries += task.state.size;
      if (Number.isFinite(task.watermarkMs)) {
        gauge.watermarkLagMs = Math.max(gauge.watermarkLagMs, now() - task.watermarkMs);
      }
      gauges.set(task.subtopology.name, gauge);
    }
    for (const [subtopology, gauge] of gauges) {
      metrics.gauge('millrace_consumer_lag_records').set({ subtopology }, gauge.lag);
      metrics.gauge('millrace_watermark_lag_seconds').set({ subtopology }, gauge.watermarkLagMs / 1000);
      metrics.gauge('millrace_state_entries').set({ subtopology }, gauge.entries);
    }
    const online = { ...runner.online.stats };
    metrics
      .counter('millrace_online_writes_total')
      .inc({ result: 'applied' }, online.applied - seenOnline.applied);
    metrics.counter('millrace_online_writes_total').inc({ result: 'stale' }, online.stale - seenOnline.stale);
    seenOnline = online;
  };
}
