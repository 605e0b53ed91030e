import { shopApplication } from '../../processors/application.ts';
import { resetState, type ResetReport } from '../../processors/runtime/state-tools/replace/reset.ts';
import {
  restoreSavepoint,
  type RestoreReport,
} from '../../processors/runtime/state-tools/replace/restore.ts';
import { takeSavepoint } from '../../processors/runtime/state-tools/savepoint/take.ts';
import { ensureTopics, openLog } from '../backends.ts';
import { Progress } from '../progress.ts';
import type { Session } from '../session.ts';
import { notFound, openState, requireLog } from './open-state.ts';

/** What was saved. */
export interface SaveReport {
  readonly dir: string;
  readonly takenAt: string;
  readonly tasks: number;
  readonly entries: number;
  /** Records that were on their way between sub-topologies. */
  readonly inChannels: number;
  readonly bytes: number;
  /** Sub-topologies in the log that this program does not have; their state is not in the savepoint. */
  readonly leftOut: readonly string[];
}

/** Saves the state of the shop's processors, also while they run. */
export async function save(session: Session, dir: string): Promise<SaveReport> {
  const { log, changelogs } = await openState(session);
  const application = shopApplication(session.config);
  let progress: Progress | undefined;
  const manifest = await takeSavepoint({
    ...{ log, application, dir, now: Date.now },
    onProgress: (done, total) => {
      progress ??= new Progress('saving', { unit: 'offsets', total });
      progress.update(done);
    },
  });
  progress?.finish();
  const { tasks, channels, takenAt } = manifest;
  const known = new Set(application.subtopologies.map(({ name }) => name));
  return {
    ...{ dir, takenAt, tasks: tasks.length, entries: sum(tasks, ({ entries }) => entries) },
    inChannels: sum(channels, ({ records }) => records),
    bytes: sum([...tasks, ...channels], ({ bytes }) => bytes),
    leftOut: changelogs.map(({ subtopology }) => subtopology).filter((name) => !known.has(name)),
  };
}

/** Puts the shop's processors, which do not run, back to a savepoint. */
export async function restore(session: Session, dir: string): Promise<RestoreReport> {
  const { config } = session;
  const kafka = await openLog(session);
  await ensureTopics(config, kafka);
  const progress = new TaskProgress('restoring');
  const report = await restoreSavepoint({
    ...{ kafka, application: shopApplication(config), dir, now: Date.now },
    onProgress: progress.told,
  });
  progress.finish();
  return report;
}

/** Deletes the state of the shop's processors, which do not run. */
export async function reset(
  session: Session,
  { subtopologies, connected }: { readonly subtopologies: readonly string[]; readonly connected: boolean },
): Promise<ResetReport> {
  const { config } = session;
  const application = shopApplication(config);
  const known = application.subtopologies.map(({ name }) => name);
  for (const name of subtopologies) if (!known.includes(name)) throw notFound('sub-topology', name, known);
  requireLog(config);
  const kafka = await openLog(session);
  await ensureTopics(config, kafka);
  const progress = new TaskProgress('resetting');
  const report = await resetState({
    ...{ kafka, application, connected, now: Date.now, onProgress: progress.told },
    ...(subtopologies.length === 0 ? {} : { subtopologies }),
  });
  progress.finish();
  return report;
}

class TaskProgress {
  readonly #label: string;
  #progress: Progress | undefined;

  constructor(label: string) {
    this.#label = label;
  }

  readonly told = (done: number, total: number): void => {
    this.#progress ??= new Progress(this.#label, { unit: 'tasks', total });
    this.#progress.update(done);
  };

  finish(): void {
    this.#progress?.finish();
  }
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
