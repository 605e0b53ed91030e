import { join } from 'node:path';
import { MillraceError } from '../../../../platform/errors.ts';
import type { Kafka } from '../../../../platform/kafka/port.ts';
import { namespaced } from '../../../../schemas/topics.ts';
import { checkCompatible } from '../../state/compatibility.ts';
import { taskId } from '../../task/task.ts';
import { channelsOf, declarationOf, type Application } from '../application.ts';
import { metaOf, type Manifest } from './manifest.ts';
import { verifyFile } from './saved-file.ts';

/**
 * Holds where every file is what the manifest says.
 * @throws MillraceError MR_SAVEPOINT_DAMAGED
 */
export async function verifyFiles(dir: string, { tasks, channels }: Manifest): Promise<void> {
  for (const file of [...tasks, ...channels]) await verifyFile(join(dir, file.file), file);
}

/**
 * Holds where the application can go on from a savepoint.
 * @param partitionsOf number of the tasks of a sub-topology now
 * @throws MillraceError MR_SAVEPOINT_MISMATCH, MR_STATE_INCOMPATIBLE, MR_SAVEPOINT_TOO_OLD
 */
export async function checkApplicable(
  manifest: Manifest,
  application: Application,
  { kafka, partitionsOf }: { readonly kafka: Kafka; readonly partitionsOf: (subtopology: string) => number },
): Promise<void> {
  checkOwner(manifest, application);
  for (const [subtopology, saved] of Object.entries(manifest.partitions)) {
    const now = partitionsOf(subtopology);
    // A sub-topology without tasks then or now is new, or gone; what is gone and has state is refused below.
    if (saved > 0 && now > 0 && saved !== now)
      throw mismatch(`${subtopology} had ${saved} tasks in the savepoint and has ${now} now`);
  }
  checkStores(manifest, application);
  await checkPositions(manifest, application, kafka);
}

function checkOwner(manifest: Manifest, { name, groupId, namespace }: Application): void {
  if (manifest.application !== name)
    throw mismatch(`the savepoint is of the application ${manifest.application}, and this is ${name}`);
  if (manifest.namespace !== namespace)
    throw mismatch(
      `the savepoint is of the namespace "${manifest.namespace}", and this is "${namespace}": set MR_NAMESPACE, or --namespace`,
    );
  if (manifest.groupId !== groupId)
    throw mismatch(`the savepoint is of the consumer group ${manifest.groupId}, and this is ${groupId}`);
}

function checkStores(manifest: Manifest, { subtopologies }: Application): void {
  const declarations = new Map(subtopologies.map((s) => [s.name, declarationOf(s)]));
  for (const task of manifest.tasks) {
    const { subtopology, partition } = task;
    const declaration = declarations.get(subtopology);
    if (declaration === undefined)
      throw mismatch(`the savepoint has state of ${subtopology}, which this program does not have`);
    const meta = metaOf(task);
    checkCompatible({ ...declaration, taskId: taskId(subtopology, partition) }, meta, () => task.entries > 0);
  }
}

/** Records from outside must still be there; what is in channels comes from the savepoint. */
async function checkPositions(manifest: Manifest, application: Application, kafka: Kafka): Promise<void> {
  const channels = new Set(channelsOf(application).map(({ topic }) => topic));
  const inputs = new Set(application.subtopologies.flatMap((s) => s.inputs.map(({ topic }) => topic)));
  for (const task of manifest.tasks) {
    for (const [topic, offset] of Object.entries(metaOf(task).positions)) {
      if (channels.has(topic) || !inputs.has(topic)) continue;
      const name = namespaced(application.namespace, topic);
      const ranges = await kafka.admin.offsets(name);
      const { start, end } = ranges.find(({ partition }) => partition === task.partition) ?? {
        start: 0,
        end: 0,
      };
      if (offset >= start && offset <= end) continue;
      const what = offset < start ? `starts at ${start} by now` : `ends at ${end}: it is another topic`;
      throw new MillraceError(
        'MR_SAVEPOINT_TOO_OLD',
        `${taskId(task.subtopology, task.partition)} has to go on at offset ${offset} of ${name}/${task.partition}, which ${what}`,
        { context: { topic: name, partition: task.partition, offset, start, end } },
      );
    }
  }
}

function mismatch(message: string): MillraceError {
  return new MillraceError('MR_SAVEPOINT_MISMATCH', message);
}
