import { MillraceError } from '../../../../platform/errors.ts';
import type { Kafka } from '../../../../platform/kafka/port.ts';
import { ApplicationTopics } from '../../run/application-topics.ts';
import { NO_META, type TaskMeta } from '../../state/task-meta.ts';
import type { Application } from '../application.ts';
import { connectedTo } from './connected.ts';
import { NewPositions } from './new-positions.ts';
import { Replacement, type ReplacedTask } from './replacement.ts';
import { deleteEntries, tasksIn } from './restore.ts';

export interface ResetOptions {
  readonly kafka: Kafka;
  readonly application: Application;
  /** Names of sub-topologies; all where absent. */
  readonly subtopologies?: readonly string[];
  /** Whether those that hang together with them are reset too, instead of the reset being refused. */
  readonly connected: boolean;
  readonly now: () => number;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ResetReport {
  readonly subtopologies: readonly string[];
  readonly tasks: number;
}

/**
 * Deletes the state of an application that does not run, or of some of its sub-topologies: they start over with the
 * first records that their topics still have. Their epochs stay, so that what they say from now on counts.
 * @throws MillraceError MR_STATE_SHARED, MR_STATE_RUNNING
 */
export async function resetState(options: ResetOptions): Promise<ResetReport> {
  const { kafka, application, now, onProgress } = options;
  const names = chosen(options);
  const topics = new ApplicationTopics(application.subtopologies, application.namespace);
  await topics.prepare(kafka);
  const replaced = application.subtopologies.filter(({ name }) => names.includes(name));
  const tasks = tasksIn(new Map(replaced.map((s) => [s.name, topics.tasksOf(s)])));
  const replacement = new Replacement({ kafka, application, tasks, now });
  try {
    await replacement.begin();
    const positions = await NewPositions.look(kafka, application, new Set(names));
    for (const [done, task] of tasks.entries()) {
      onProgress?.(done, tasks.length);
      await deleteEntries(replacement, options, task);
    }
    const metas = new Map<ReplacedTask, TaskMeta>(
      tasks.map((task) => [task, { ...NO_META, positions: positions.of(task) }]),
    );
    const offsets = [...metas].flatMap(([task, meta]) => positions.offsetsOf(task, meta.positions));
    await replacement.finish(metas, offsets);
    onProgress?.(tasks.length, tasks.length);
    return { subtopologies: names, tasks: tasks.length };
  } finally {
    await replacement.close();
  }
}

function chosen({ application, subtopologies, connected }: ResetOptions): readonly string[] {
  const all = application.subtopologies.map(({ name }) => name);
  const names = subtopologies ?? all;
  const needed = connectedTo(application, names);
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length > 0 && !connected)
    throw new MillraceError(
      'MR_STATE_SHARED',
      `${names.join(', ')} shares topics with ${missing.join(', ')}: what it says again would be counted twice there`,
      { context: { missing } },
    );
  return needed;
}
