import { randomUUID } from 'node:crypto';
import { createBatchWriter } from '../platform/clickhouse/writer.ts';
import type { ClickHouse } from '../platform/clickhouse/port.ts';
import type { Config } from '../platform/config.ts';
import type { Kafka } from '../platform/kafka/port.ts';
import type { Logger } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { OnlineStore } from '../platform/online-store/port.ts';
import { processorsGroup } from './application.ts';
import { jobDescription } from './job-description.ts';
import { startPipelineSampler } from './pipeline-samples.ts';
import { runnerMetrics } from './runner-metrics.ts';
import { StreamRunner } from './runtime/run/runner.ts';
import type { RestoreProgress } from './runtime/state/task-state.ts';
import { openStateMemory } from './state-memory.ts';
import { watchSteps } from './step-watching.ts';
import { shopTopology } from './topologies.ts';

const SAMPLE_INTERVAL_MS = 5000;
const METRICS_INTERVAL_MS = 1000;
const MAX_ROWS_PER_INSERT = 50_000;
const MAX_BYTES_PER_INSERT = 64 * 1024 * 1024;
/** How long a last commit may wait for a sink that is down before the process goes without it. */
const STOP_PATIENCE_MS = 5000;

export interface ProcessorsOptions {
  readonly config: Config;
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Told of the rows of each commit by table. */
  readonly onRows?: (rows: ReadonlyMap<string, number>) => void;
}

export interface Processors {
  readonly runner: StreamRunner;
  /** Consumer group whose committed offsets tell how far processing is. */
  readonly groupId: string;
  /** Settles when processing ends; rejects with the error that ended it. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/** Starts every sub-topology of the shop in this process. Topics and tables must exist. */
export async function startProcessors(options: ProcessorsOptions): Promise<Processors> {
  const { config, metrics, log } = options;
  const giveUp = new AbortController();
  const rows = createBatchWriter(options.clickhouse, {
    maxRows: MAX_ROWS_PER_INSERT,
    maxBytes: MAX_BYTES_PER_INSERT,
    sparesRefused: true,
    log,
    signal: giveUp.signal,
  });
  const groupId = processorsGroup(config.namespace);
  const shop = shopTopology(config.processing);
  const { subtopologies } = shop;
  const state = await openStateMemory(config, log);
  const steps = watchSteps(config, subtopologies, log);
  const runner = new StreamRunner({
    subtopologies,
    job: jobDescription(shop, config.processing),
    memory: state.memory,
    guarantee: config.processing.guarantee,
    withStandbys: config.processing.withStandbys,
    watch: steps.watch,
    stuck: steps.stuck,
    onRestore: restoreProgress(log),
    groupId,
    namespace: config.namespace,
    kafka: options.kafka,
    rows,
    store: options.store,
    watermark: {
      outOfOrderMs: config.processing.outOfOrderMs,
      idleTimeoutMs: config.processing.idleTimeoutMs,
      ...(config.processing.maxDriftMs > 0 ? { maxDriftMs: config.processing.maxDriftMs } : {}),
    },
    commitIntervalMs: config.processing.commitIntervalMs,
    onlineFlushIntervalMs: config.processing.onlineFlushIntervalMs,
    now: Date.now,
    newId: randomUUID,
    log,
    onCommit: ({ rows: written, ms }) => {
      metrics.histogram('millrace_commit_seconds').observe({ subtopology: 'all' }, ms / 1000);
      for (const [table, count] of written)
        metrics.counter('millrace_rows_written_total').inc({ table }, count);
      options.onRows?.(written);
    },
    onRestart: (code) => metrics.counter('millrace_task_restarts_total').inc({ code }, 1),
  });
  runner.online.onVisible = (ms) => metrics.histogram('millrace_freshness_seconds').observe(ms / 1000);
  const collect = runnerMetrics(metrics, runner, Date.now);
  const collectTimer = setInterval(collect, METRICS_INTERVAL_MS);
  const sampler = startPipelineSampler({
    runner,
    clickhouse: options.clickhouse,
    instance: randomUUID(),
    intervalMs: SAMPLE_INTERVAL_MS,
    now: Date.now,
    log,
  });
  try {
    await runner.start();
  } catch (error) {
    // Nobody will close what was begun.
    clearInterval(collectTimer);
    await sampler.stop();
    await runner.stop();
    await steps.close();
    await state.close();
    throw error;
  }

  const close = async () => {
    const timer = setTimeout(() => giveUp.abort(), STOP_PATIENCE_MS);
    await runner.stop();
    clearTimeout(timer);
    clearInterval(collectTimer);
    collect();
    await sampler.stop();
    await steps.close();
    await state.close();
  };
  return { runner, groupId, done: runner.done, close };
}

const RESTORE_LOG_MS = 5000;

/** Says how far the state of each task has come back, for those that take long. */
function restoreProgress(log: Logger): (task: string, progress: RestoreProgress) => void {
  const said = new Map<string, number>();
  return (task, { restored, total }) => {
    const nowMs = Date.now();
    const lastMs = said.get(task) ?? said.set(task, nowMs).get(task) ?? nowMs;
    if (nowMs - lastMs < RESTORE_LOG_MS) return;
    said.set(task, nowMs);
    log.info({ task, restored, total }, 'state is coming back from its changelog');
  };
}
