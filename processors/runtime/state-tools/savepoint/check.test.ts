import { describe, expect, test } from 'vitest';
import { viewJob, VIEWS } from '../../../../test/harness/view-job.ts';
import { memoryKafka } from '../../testing/memory-kafka.ts';
import { NO_META, type StoredLayout } from '../../state/task-meta.ts';
import { topologyHash, type Application } from '../application.ts';
import { checkApplicable } from './check.ts';
import { emptyManifest, savedMeta, type Manifest } from './manifest.ts';

const application: Application = {
  ...{ name: 'views', groupId: 'ns.views', namespace: 'ns' },
  subtopologies: viewJob(0),
};
const file = { file: 'task-views-0.jsonl.gz', sha256: 'a'.repeat(64), bytes: 20 };

/** A savepoint of one task. */
function saved(
  task: { readonly position?: number; readonly stores?: Readonly<Record<string, StoredLayout>> } = {},
  about: Partial<Manifest> = {},
): Manifest {
  const { position = 0, stores = {} } = task;
  const meta = savedMeta({ ...NO_META, positions: { [VIEWS]: position }, stores });
  const whole = emptyManifest({
    ...{ application: 'views', groupId: 'ns.views', namespace: 'ns' },
    ...{ topology: topologyHash(application), takenAt: '', partitions: { views: 1, actions: 1 } },
  });
  return { ...whole, tasks: [{ subtopology: 'views', partition: 0, meta, entries: 1, ...file }], ...about };
}

/** The input has offsets 5 to 9 by now. */
function check(manifest: Manifest, partitions = 1): Promise<void> {
  const kafka = memoryKafka();
  const offsets = async () => [{ partition: 0, start: 5, end: 10 }];
  return checkApplicable(manifest, application, {
    kafka: { ...kafka, admin: { ...kafka.admin, offsets } },
    partitionsOf: () => partitions,
  });
}

describe('a savepoint', () => {
  test.each([5, 7, 10])('is taken where the records from %i on are there', async (position) => {
    await expect(check(saved({ position }))).resolves.toBeUndefined();
  });

  test.each([
    [4, 'goes on at offset 4 of ns.shop.clickstream/0, which starts at 5 by now'],
    [11, 'goes on at offset 11 of ns.shop.clickstream/0, which ends at 10: it is another topic'],
  ])('is refused where the records from %i on are not', async (position, reason) => {
    const message = expect.stringContaining(reason.replace('goes on', 'has to go on')) as string;
    await expect(check(saved({ position }))).rejects.toMatchObject({ code: 'MR_SAVEPOINT_TOO_OLD', message });
  });

  test.each<[string, Partial<Manifest>]>([
    ['another application', { application: 'other' }],
    ['another namespace', { namespace: '' }],
    ['another group', { groupId: 'other' }],
    ['other partition counts', { partitions: { views: 2, actions: 2 } }],
  ])('of %s is refused', async (_what, about) => {
    await expect(check(saved({ position: 5 }, about))).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_MISMATCH',
    });
  });

  test('with state that the program cannot take over is refused', async () => {
    const known: StoredLayout = { version: 1, layout: 'keyed(json)', entries: 1 };
    await expect(check(saved({ position: 5, stores: { totals: known } }))).resolves.toBeUndefined();
    for (const stores of [
      { totals: { ...known, version: 2 } },
      { totals: { ...known, layout: 'timers' } },
      { gone: known },
    ])
      await expect(check(saved({ position: 5, stores }))).rejects.toMatchObject({
        code: 'MR_STATE_INCOMPATIBLE',
      });
    const [task] = saved({ position: 5 }).tasks;
    const gone = saved({}, { tasks: [{ ...task!, subtopology: 'gone' }] });
    await expect(check(gone)).rejects.toMatchObject({ code: 'MR_SAVEPOINT_MISMATCH' });
  });
});
