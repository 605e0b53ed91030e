import { expect, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { silentLogger } from '../../../platform/log.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import { driveTask } from '../testing/task-driver.ts';
import { viewJob, VIEWS } from '../../../test/harness/view-job.ts';
import { Committer } from './committer.ts';
import { OnlineSink } from './sinks.ts';

async function setUp() {
  const [views] = viewJob(0);
  const driver = await driveTask(views!, { nowMs: T0 });
  const rows = new MemoryRowWriter();
  const store = new MemoryOnlineStore();
  const log = silentLogger();
  const told: ReadonlyMap<string, number>[] = [];
  const committer = new Committer({
    rows,
    online: new OnlineSink({ store, now: () => T0, log }),
    signal: new AbortController().signal,
    log,
    onCommit: (commit) => told.push(commit.rows),
  });
  const position = async () => (await driver.kafka.admin.committed('test', VIEWS))[0]?.offset;
  return { driver, rows, store, committer, told, position, task: driver.task };
}

test('offsets move only after rows and online writes are acknowledged', async () => {
  const { driver, rows, store, committer, told, position, task } = await setUp();
  driver.feed(VIEWS, [viewOf('a', T0), viewOf('b', T0)]);
  rows.goDown();
  const commit = committer.commit(() => [task]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await position()).toBeUndefined();
  rows.comeUp();
  await commit;
  expect(await position()).toBe(2);
  expect(rows.rows('clicks')).toHaveLength(2);
  expect(Object.values(store.values())).toEqual(['1', '1']);
  expect([...(told[0] ?? [])]).toEqual([
    ['clicks', 2],
    ['item_minute', 2],
  ]);
  expect(committer.commits).toBe(1);
  expect(committer.takeLongestMs()).toBeGreaterThan(0);
  expect(committer.takeLongestMs()).toBe(0);
});

test('commits that are asked for at the same time follow each other', async () => {
  const { driver, committer, position, task, rows } = await setUp();
  rows.goDown();
  driver.feed(VIEWS, [viewOf('a', T0)]);
  const first = committer.commit(() => [task]);
  await new Promise((resolve) => setImmediate(resolve));
  driver.feed(VIEWS, [viewOf('a', T0)]);
  const second = committer.commit(() => [task]);
  rows.comeUp();
  await first;
  expect(await position()).toBe(1);
  await second;
  expect(await position()).toBe(2);
});

test('after rows were refused the task is never committed again: what it handed out was not made durable', async () => {
  const { driver, committer, position, task, rows } = await setUp();
  driver.feed(VIEWS, [viewOf('a', T0)]);
  rows.refusal = new MillraceError('MR_CLICKHOUSE_QUERY_FAILED', 'no such column');
  await expect(committer.commit(() => [task])).rejects.toBe(rows.refusal);
  expect(task.failure).toBe(rows.refusal);
  rows.refusal = undefined;
  driver.feed(VIEWS, [viewOf('b', T0)]);
  await committer.commit(() => [task]);
  expect(await position()).toBeUndefined();
});

test('a failed transaction marks its task and does not reject; an error that nobody expects does', async () => {
  const { driver, committer, task } = await setUp();
  driver.feed(VIEWS, [viewOf('a', T0)]);
  driver.kafka.failCommits(new MillraceError('MR_KAFKA_FENCED', 'a newer producer'));
  await committer.commit(() => [task]);
  expect(task.failure).toMatchObject({ code: 'MR_KAFKA_FENCED' });

  const other = await setUp();
  other.driver.feed(VIEWS, [viewOf('a', T0)]);
  other.driver.kafka.failCommits(new TypeError('a bug'));
  await expect(other.committer.commit(() => [other.task])).rejects.toThrow('a bug');
});

test('tasks without work are left alone', async () => {
  const { committer, rows, task } = await setUp();
  await committer.commit(() => [task]);
  expect([committer.commits, rows.flushes]).toEqual([0, 0]);
});
