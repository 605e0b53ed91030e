import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRealKafka } from '../../../../platform/kafka/kafkajs/real-kafka.ts';
import { logReader } from '../../../../platform/kafka/log-reader.ts';
import { silentLogger } from '../../../../platform/log.ts';
import { requireService } from '../../../../test/harness/require-service.ts';
import { temporaryDir } from '../../../../test/harness/temporary-dir.ts';
import { viewStream, VIEWS } from '../../../../test/harness/view-job.ts';
import { waitUntil } from '../../../../test/harness/wait-until.ts';
import { findChangelogs } from '../changelogs.ts';
import { findEntry } from '../find-entry.ts';
import { metaOf, readManifest } from '../savepoint/manifest.ts';
import { takeSavepoint } from '../savepoint/take.ts';
import { surveyTasks } from '../survey.ts';
import { expectExact, viewsOn, type Views } from '../views.contract.ts';
import { resetState } from './reset.ts';
import { restoreSavepoint } from './restore.ts';

const service = requireService('kafka');
const events = viewStream(4000, { stepMs: 100, disorderMs: 5000 });

/** The views job in a namespace of its own, with commits that leave a moment between them. */
async function views(): Promise<Views> {
  const kafka = createRealKafka({
    brokers: service.address.split(','),
    clientId: 'millrace-test',
    log: silentLogger(),
  });
  const namespace = `savepoint-${randomUUID().slice(0, 8)}`;
  onTestFinished(async () => {
    const names = await kafka.admin.topicNames();
    await kafka.admin.deleteTopics(names.filter((name) => name.startsWith(`${namespace}.`)));
    await kafka.close();
  });
  return viewsOn(kafka, { namespace, commitIntervalMs: 500, isClosedHere: false });
}

describe.skipIf(service.isMissing)(service.title('state tools on Apache Kafka'), () => {
  test('a savepoint of tasks that run, restored after more was processed, leaves the same tables', async () => {
    const on = await views();
    const { kafka, application } = on;
    const dir = join(await temporaryDir(), 'savepoint');
    const runner = await on.run();
    const publishing = (async () => {
      for (let at = 0; at < events.length; at += 20) await on.publish(events.slice(at, at + 20));
    })();
    await waitUntil(() => on.rows.rows('item_minute').length > 20, { timeoutMs: 60_000, what: 'results' });
    const log = logReader(kafka);
    await takeSavepoint({ log, application, dir, now: Date.now });
    await publishing;
    await on.allCommitted();
    const restore = { kafka, application, dir, now: Date.now };
    await expect(restoreSavepoint(restore)).rejects.toMatchObject({ code: 'MR_STATE_RUNNING' });
    await runner.stop();
    const before = await on.epochs();
    const { tasks } = await readManifest(dir);
    const saved = tasks.reduce((sum, task) => sum + (metaOf(task).positions[VIEWS] ?? 0), 0);
    expect(await restoreSavepoint(restore)).toMatchObject({ tasks: 8, topologyChanged: false });
    expect(await on.epochs()).toEqual(before);
    const again = await on.run();
    await on.allCommitted();
    expectExact(on, events);
    const read = again.tasks.reduce((sum, task) => sum + task.readOf(VIEWS), 0);
    expect(read).toBe(events.length - saved);
  });

  test('state is listed and found, and starts over after a reset', async () => {
    const on = await views();
    const { kafka, application } = on;
    await on.publish(events);
    const runner = await on.run();
    await on.allCommitted();
    const log = logReader(kafka);
    const changelogs = await findChangelogs(log, application.namespace);
    expect(changelogs.map(({ subtopology }) => subtopology)).toEqual(['actions', 'views']);
    const tasks = (await Promise.all(changelogs.map((changelog) => surveyTasks(log, changelog)))).flat();
    expect(tasks).toHaveLength(8);
    const { found } = await findEntry(log, changelogs[1]!, { store: 'totals', key: 'item-3' });
    expect(found.length).toBeGreaterThan(0);
    await runner.stop();
    const before = await on.epochs();
    await resetState({ kafka, application, connected: false, now: Date.now });
    const again = await on.run();
    await on.allCommitted();
    expectExact(on, events);
    expect(again.tasks.reduce((sum, task) => sum + task.readOf(VIEWS), 0)).toBe(events.length);
    for (const [task, epoch] of await on.epochs()) expect(epoch).toBe((before.get(task) ?? 0) + 1);
  });
});
