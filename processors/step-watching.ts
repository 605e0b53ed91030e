import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import {
  readStuckRecords,
  StepWatchdog,
  type StepWatch,
  type StuckRecord,
} from './runtime/task/step-watch.ts';
import type { Subtopology } from './runtime/topology.ts';

/** Watches that steps return, and knows from which records they did not before this start. */
export function watchSteps(
  { dataDir, namespace, processing }: Config,
  subtopologies: readonly Subtopology[],
  log: Logger,
): { readonly watch: StepWatch; readonly stuck: readonly StuckRecord[]; close(): Promise<void> } {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, namespace === '' ? 'stuck-steps.json' : `stuck-steps-${namespace}.json`);
  const stuck = readStuckRecords(file, log);
  const topics = subtopologies.flatMap(({ inputs }) => inputs.map(({ topic }) => topic));
  const watch = new StepWatchdog({ timeoutMs: processing.stepTimeoutMs, file, topics, log });
  return { watch, stuck, close: () => watch.close() };
}
