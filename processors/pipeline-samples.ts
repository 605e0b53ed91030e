import type { ClickHouse, Row } from '../platform/clickhouse/port.ts';
import { errorText, MillraceError } from '../platform/errors.ts';
import type { Logger } from '../platform/log.ts';
import type { StreamRunner } from './runtime/run/runner.ts';

/** One row for each task: what the pipeline-health dashboard reads. */
export function sampleRows(runner: StreamRunner, instance: string, nowMs: number): Row[] {
  const freshness = runner.online.recentFreshness;
  const commits = runner.takeCommitSample();
  const rows = runner.tasks.map((task) => ({
    at: nowMs,
    instance,
    subtopology: task.subtopology.name,
    partition: task.partition,
    records: task.counters.ok + task.counters.dropped + task.counters.late,
    duplicates: task.counters.duplicate,
    late: task.counters.late,
    dead_letters: task.counters.deadLetter,
    lag_records: task.lagRecords,
    watermark_lag_ms: Number.isFinite(task.watermarkMs)
      ? Math.max(0, Math.round(nowMs - task.watermarkMs))
      : 0,
    state_entries: task.state.size,
    commits: runner.commits,
    commit_ms_max: commits.maxMs,
    freshness_ms_p50: freshness.quantile(0.5),
    freshness_ms_p99: freshness.quantile(0.99),
  }));
  freshness.reset();
  return rows;
}

export interface PipelineSampler {
  stop(): Promise<void>;
}

/** Writes a sample every `intervalMs`. A sample that ClickHouse does not take is lost; the next one follows. */
export function startPipelineSampler(options: {
  readonly runner: StreamRunner;
  readonly clickhouse: ClickHouse;
  readonly instance: string;
  readonly intervalMs: number;
  readonly now: () => number;
  readonly log: Logger;
}): PipelineSampler {
  const { runner, clickhouse, instance, log } = options;
  let writing: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    writing = clickhouse
      .insert('pipeline_samples', sampleRows(runner, instance, options.now()))
      .catch((error: unknown) => {
        if (!(error instanceof MillraceError)) throw error;
        log.warn(
          { code: error.code, error: errorText(error) },
          'a sample of the pipeline was lost; check ClickHouse',
        );
      })
      .finally(() => {
        busy = false;
      });
  }, options.intervalMs);
  return {
    async stop() {
      clearInterval(timer);
      await writing;
    },
  };
}
