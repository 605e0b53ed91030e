import { appendFile, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { logReader } from '../../../../platform/kafka/log-reader.ts';
import type { Kafka } from '../../../../platform/kafka/port.ts';
import { dyingAt } from '../../../../test/harness/dying-kafka.ts';
import { temporaryDir } from '../../../../test/harness/temporary-dir.ts';
import { viewStream, VIEWS } from '../../../../test/harness/view-job.ts';
import { waitUntil } from '../../../../test/harness/wait-until.ts';
import { findChangelogs } from '../changelogs.ts';
import { metaOf, readManifest } from '../savepoint/manifest.ts';
import { takeSavepoint } from '../savepoint/take.ts';
import { surveyTasks } from '../survey.ts';
import { embeddedViews, expectExact, type Views } from '../views.contract.ts';
import { resetState } from './reset.ts';
import { restoreSavepoint } from './restore.ts';

const events = viewStream(4000, { stepMs: 100, disorderMs: 5000 });

async function save({ kafka, application }: Views, dir: string) {
  return takeSavepoint({ log: logReader(kafka), application, dir, now: Date.now });
}

function restore({ application }: Views, kafka: Kafka, dir: string) {
  return restoreSavepoint({ kafka, application, dir, now: Date.now });
}

/** What is published only once the savepoint stands, so that it can never hold all of them. */
const LAST = 100;

/** Saved while it works, then everything is processed. */
async function savedAndDone(): Promise<{ readonly views: Views; readonly dir: string }> {
  const views = await embeddedViews();
  const dir = join(await temporaryDir(), 'savepoint');
  const runner = await views.run();
  const publishing = (async () => {
    for (let at = 0; at < events.length - LAST; at += 100) await views.publish(events.slice(at, at + 100));
  })();
  await waitUntil(() => views.rows.rows('item_minute').length > 100, { what: 'results' });
  await save(views, dir);
  await publishing;
  await views.publish(events.slice(-LAST));
  await views.allCommitted();
  await runner.stop();
  return { views, dir };
}

test('goes on from a savepoint that was taken while it worked, and counts everything once', async () => {
  const { views, dir } = await savedAndDone();
  expectExact(views, events);
  const { tasks } = await readManifest(dir);
  const entries = tasks.reduce((sum, task) => sum + task.entries, 0);
  const saved = tasks.reduce((sum, task) => sum + (metaOf(task).positions[VIEWS] ?? 0), 0);
  expect(saved).toBeGreaterThan(0);
  expect(saved).toBeLessThan(events.length);
  const before = await views.epochs();
  const report = await restore(views, views.kafka, dir);
  expect(report).toMatchObject({ tasks: 8, entries, startedOver: 0, topologyChanged: false });
  // What is said from here on must count: epochs never fall.
  expect(await views.epochs()).toEqual(before);
  const runner = await views.run();
  await views.allCommitted();
  expectExact(views, events);
  const read = runner.tasks.reduce((sum, task) => sum + task.readOf(VIEWS), 0);
  expect(read).toBe(events.length - saved);
});

test('starts over after a reset, with higher versions', async () => {
  const { views } = await savedAndDone();
  const before = await views.epochs();
  const { kafka, application } = views;
  const report = await resetState({ kafka, application, connected: false, now: Date.now });
  expect(report).toEqual({ subtopologies: ['views', 'actions'], tasks: 8 });
  expect(await views.epochs()).toEqual(before);
  const runner = await views.run();
  await views.allCommitted();
  expectExact(views, events);
  expect(runner.tasks.reduce((sum, task) => sum + task.readOf(VIEWS), 0)).toBe(events.length);
  for (const [task, epoch] of await views.epochs()) expect(epoch).toBe((before.get(task) ?? 0) + 1);
});

test('a part that shares topics is not reset alone', async () => {
  const { views } = await savedAndDone();
  const { kafka, application } = views;
  const options = { kafka, application, now: Date.now };
  const part = { ...options, subtopologies: ['views'], connected: false };
  await expect(resetState(part)).rejects.toMatchObject({ code: 'MR_STATE_SHARED' });
  await expect(resetState({ ...part, connected: true })).resolves.toMatchObject({ tasks: 8 });
  // Nobody reads what it says, so it may start over alone.
  const last = { ...options, subtopologies: ['actions'], connected: false };
  await expect(resetState(last)).resolves.toEqual({ subtopologies: ['actions'], tasks: 4 });
});

/** Whether the tasks are marked: all of them, or none. */
async function areMarked({ kafka, application }: Views): Promise<boolean> {
  const log = logReader(kafka);
  const tasks = await Promise.all(
    (await findChangelogs(log, application.namespace)).map((changelog) => surveyTasks(log, changelog)),
  );
  const marks = new Set(tasks.flat().map(({ isReplacing }) => isReplacing));
  expect(marks.size).toBe(1);
  return marks.has(true);
}

/** Fails as the start or the run of an application does. */
async function startedAndEnded(views: Views): Promise<void> {
  const runner = await views.run();
  await runner.done.finally(() => runner.stop());
}

test.each([false, true])(
  'cut off at any commit (written: %s), no task starts on it until the restore was done again',
  async (isWritten) => {
    const { views, dir } = await savedAndDone();
    let refused = 0;
    for (let commit = 1; ; commit++) {
      const ended = await restore(views, dyingAt(views.kafka, commit, isWritten), dir).catch(String);
      if (typeof ended !== 'string') break;
      expect(ended).toContain('killed');
      if (!(await areMarked(views))) continue;
      refused += 1;
      if (commit % 5 !== 0) continue;
      await expect(startedAndEnded(views)).rejects.toMatchObject({ code: 'MR_STATE_REPLACING' });
    }
    expect(refused).toBeGreaterThan(8);
    await views.run();
    await views.allCommitted();
    expectExact(views, events);
  },
);

describe('refuses before anything is changed', () => {
  test('while the application runs', async () => {
    const { views, dir } = await savedAndDone();
    const runner = await views.run();
    await expect(restore(views, views.kafka, dir)).rejects.toMatchObject({ code: 'MR_STATE_RUNNING' });
    await runner.stop();
    await expect(restore(views, views.kafka, dir)).resolves.toMatchObject({ tasks: 8 });
  });

  test('what is damaged, of another format, or of another application', async () => {
    const { views, dir } = await savedAndDone();
    const files = await readdir(dir);
    const [file = ''] = files.filter((name) => name.startsWith('task-'));
    const manifest = await readFile(join(dir, 'manifest.json'), 'utf8');
    const refused = async (code: string) =>
      expect(restore(views, views.kafka, dir)).rejects.toMatchObject({ code });
    await appendFile(join(dir, file), 'x');
    await refused('MR_SAVEPOINT_DAMAGED');
    await rename(join(dir, file), join(dir, 'away'));
    await refused('MR_SAVEPOINT_DAMAGED');
    await writeFile(join(dir, 'manifest.json'), manifest.replace('"entries": 1', '"entries": 2'));
    await refused('MR_SAVEPOINT_DAMAGED');
    await writeFile(join(dir, 'manifest.json'), manifest.replace('"format": 1', '"format": 2'));
    await refused('MR_SAVEPOINT_FORMAT');
    await writeFile(join(dir, 'manifest.json'), manifest);
    const other = { ...views, application: { ...views.application, name: 'other' } };
    await expect(restore(other, views.kafka, dir)).rejects.toMatchObject({ code: 'MR_SAVEPOINT_MISMATCH' });
    await views.run();
    await views.allCommitted();
    expectExact(views, events);
  });
});
