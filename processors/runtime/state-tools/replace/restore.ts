import { join } from 'node:path';
import { logReader } from '../../../../platform/kafka/log-reader.ts';
import type { Kafka, ProduceRecord } from '../../../../platform/kafka/port.ts';
import { namespaced } from '../../../../schemas/topics.ts';
import { ApplicationTopics } from '../../run/application-topics.ts';
import { NO_META, type TaskMeta } from '../../state/task-meta.ts';
import { changelogPlace, channelsOf, topologyHash, type Application } from '../application.ts';
import { checkApplicable, verifyFiles } from '../savepoint/check.ts';
import { metaOf, readManifest, type Manifest, type SavedTask } from '../savepoint/manifest.ts';
import { readRecords } from '../savepoint/saved-file.ts';
import { deletionsOf } from './deletions.ts';
import { NewPositions } from './new-positions.ts';
import { Replacement, type ReplacedTask } from './replacement.ts';

export interface RestoreOptions {
  readonly kafka: Kafka;
  readonly application: Application;
  /** Folder of the savepoint. */
  readonly dir: string;
  readonly now: () => number;
  /** Told how many of the tasks have their entries. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RestoreReport {
  readonly takenAt: string;
  readonly tasks: number;
  readonly entries: number;
  /** Records that were on their way between sub-topologies. */
  readonly inChannels: number;
  /** Tasks that the savepoint does not know: they start over. */
  readonly startedOver: number;
  /** Whether the program has other sub-topologies, topics or stores than the one that was saved. */
  readonly topologyChanged: boolean;
}

/**
 * Puts an application that does not run back to a savepoint. Topics from outside must exist; everything is checked before
 * anything is changed. May be repeated after a crash, and must be then: until it has come to its end no task starts.
 * @throws MillraceError MR_SAVEPOINT_*, MR_STATE_RUNNING, MR_STATE_INCOMPATIBLE
 */
export async function restoreSavepoint(options: RestoreOptions): Promise<RestoreReport> {
  const { kafka, application, dir, now } = options;
  const manifest = await readManifest(dir);
  const topics = new ApplicationTopics(application.subtopologies, application.namespace);
  await topics.prepare(kafka);
  const counts = new Map(application.subtopologies.map((s) => [s.name, topics.tasksOf(s)]));
  await checkApplicable(manifest, application, { kafka, partitionsOf: (name) => counts.get(name) ?? 0 });
  await verifyFiles(dir, manifest);
  const tasks = tasksIn(counts);
  const replacement = new Replacement({ kafka, application, tasks, now });
  try {
    await replacement.begin();
    // Before anything is added to the channels: what is added is what comes next there.
    const positions = await NewPositions.look(kafka, application, new Set(counts.keys()));
    await writeTasks(replacement, tasks, { ...options, manifest });
    const inChannels = await writeChannels(replacement, { ...options, manifest });
    const metas = metasOf(tasks, manifest, positions);
    const offsets = [...metas].flatMap(([task, meta]) => positions.offsetsOf(task, meta.positions));
    await replacement.finish(metas, offsets);
    return {
      ...{ takenAt: manifest.takenAt, tasks: tasks.length, inChannels },
      entries: manifest.tasks.reduce((sum, { entries }) => sum + entries, 0),
      startedOver: tasks.filter((task) => savedOf(task, manifest) === undefined).length,
      topologyChanged: topologyHash(application) !== manifest.topology,
    };
  } finally {
    await replacement.close();
  }
}

/** All tasks of sub-topologies, given how many each has. */
export function tasksIn(counts: ReadonlyMap<string, number>): readonly ReplacedTask[] {
  return [...counts].flatMap(([subtopology, count]) =>
    Array.from({ length: count }, (_, partition) => ({ subtopology, partition })),
  );
}

type Restoring = RestoreOptions & { readonly manifest: Manifest };

async function writeTasks(
  replacement: Replacement,
  tasks: readonly ReplacedTask[],
  { kafka, application, dir, manifest, now, onProgress }: Restoring,
): Promise<void> {
  for (const [done, task] of tasks.entries()) {
    onProgress?.(done, tasks.length);
    const place = changelogPlace(application, task);
    await deleteEntries(replacement, { kafka, application, now }, task);
    const saved = savedOf(task, manifest);
    if (saved !== undefined) await replacement.write(recordsFor(place, join(dir, saved.file)));
  }
  onProgress?.(tasks.length, tasks.length);
}

/** Deletes the entries of a task. */
export async function deleteEntries(
  replacement: Replacement,
  { kafka, application, now }: Pick<RestoreOptions, 'kafka' | 'application' | 'now'>,
  task: ReplacedTask,
): Promise<void> {
  const { topic, partition } = changelogPlace(application, task);
  const range = (await kafka.admin.offsets(topic)).find((one) => one.partition === partition);
  if (range !== undefined)
    await replacement.write(await deletionsOf(logReader(kafka), { topic, ...range }, now()));
}

async function* recordsFor(
  place: { readonly topic: string; readonly partition: number },
  path: string,
): AsyncGenerator<ProduceRecord> {
  for await (const record of readRecords(path)) yield { ...place, ...record };
}

/** What was on its way is put where the readers go on. */
async function writeChannels(
  replacement: Replacement,
  { application, dir, manifest, now }: Restoring,
): Promise<number> {
  const channels = new Set(channelsOf(application).map(({ topic }) => topic));
  let count = 0;
  for (const { topic, partition, records, file } of manifest.channels) {
    // A channel that is gone has no reader: what it held is of no use.
    if (!channels.has(topic) || records === 0) continue;
    const place = { topic: namespaced(application.namespace, topic), partition };
    await replacement.write(datedNow(recordsFor(place, join(dir, file)), now));
    count += records;
  }
  return count;
}

/** Channels keep records for a day by their timestamps: with the old ones they could be gone before they are read. */
async function* datedNow(records: AsyncIterable<ProduceRecord>, now: () => number) {
  for await (const record of records) yield { ...record, timestampMs: now() };
}

function metasOf(
  tasks: readonly ReplacedTask[],
  manifest: Manifest,
  positions: NewPositions,
): ReadonlyMap<ReplacedTask, TaskMeta> {
  return new Map(
    tasks.map((task) => {
      const saved = savedOf(task, manifest);
      const meta = saved === undefined ? NO_META : metaOf(saved);
      return [task, { ...meta, positions: positions.of(task, meta.positions) }];
    }),
  );
}

function savedOf({ subtopology, partition }: ReplacedTask, { tasks }: Manifest): SavedTask | undefined {
  return tasks.find((task) => task.subtopology === subtopology && task.partition === partition);
}
