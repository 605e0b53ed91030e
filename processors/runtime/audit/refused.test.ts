import { expect, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { logReader, type LogReader } from '../../../platform/kafka/log-reader.ts';
import { silentLogger } from '../../../platform/log.ts';
import { changelogTopic, INTERNAL_TOPICS } from '../../../schemas/topics.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import { viewJob, VIEWS } from '../../../test/harness/view-job.ts';
import { Committer } from '../task/committer.ts';
import { parseUuid } from '../task/event-id-set.ts';
import { OnlineSink } from '../task/sinks.ts';
import type { Task } from '../task/task.ts';
import { driveTask, type TaskDriver } from '../testing/task-driver.ts';
import { AccountReader } from './account-reader.ts';
import { Digest } from './digest.ts';
import { factsOf } from './fact-parts.ts';
import { hashRecord, hashUuid } from './hash-pair.ts';
import { readOf } from './input-check.ts';
import { RECORDS } from './task-account.ts';

const DLQ = `${VIEWS}.dlq`;
const ACTIONS = INTERNAL_TOPICS.userActivity.name;

async function setUp() {
  const driver = await driveTask(viewJob(0)[0]!, { nowMs: T0 });
  const rows = new MemoryRowWriter();
  const log = silentLogger();
  const online = new OnlineSink({ store: new MemoryOnlineStore(), now: () => T0, log });
  const committer = new Committer({ rows, online, log, signal: new AbortController().signal });
  const commit = (task: Task = driver.task) => committer.commit(() => [task]);
  return { driver, rows, commit, kafka: driver.kafka };
}

/** The driver's changelog under the name that the application's would have. */
function changelogOf({ kafka }: TaskDriver): LogReader {
  const log = logReader(kafka);
  const name = changelogTopic('', 'views');
  const topic = 'changelog.views';
  return {
    ...log,
    topicNames: () => Promise.resolve([name]),
    offsets: async () => new Map([[name, await kafka.admin.offsets(topic)]]),
    readToEnd: (source) => log.readToEnd({ ...source, topic }),
  };
}

/** What the account says, and what is there. */
async function compared(driver: TaskDriver, rows: MemoryRowWriter) {
  const reader = new AccountReader(changelogOf(driver), '');
  await reader.refresh();
  const [task] = reader.tasks;
  const buckets = task?.inputs.get(VIEWS)?.buckets() ?? [];
  const outputs = (topic: string) => task?.outputs.get(topic)?.buckets() ?? [];
  const journal = reader.takeRows().flatMap((chunk) => chunk.rows);
  const refused = new Set(journal.filter((row) => row.isRefused).map(({ version }) => version));
  const versions = journal.map(({ version }) => version).filter((version) => !refused.has(version));
  return {
    said: {
      topics: [ACTIONS, DLQ].map((topic) => sumOf(outputs(topic).map((b) => b.digests.get(RECORDS)))),
      facts: sumOf(buckets.map((bucket) => factsOf(bucket, 'clicks'))),
      versions,
    },
    there: {
      topics: [ACTIONS, DLQ].map((topic) => recordsOf(driver, topic)),
      facts: idsOf(rows),
      versions: rows.rows('item_minute').map((row) => row['version']),
    },
    read: sumOf(buckets.map(readOf))[0],
    isWhole: task?.isJournalWhole,
  };
}

function sumOf(digests: readonly (Digest | undefined)[]) {
  const sum = new Digest();
  for (const digest of digests) if (digest !== undefined) sum.merge(digest);
  return sum.toJSON();
}

function recordsOf({ kafka }: TaskDriver, topic: string) {
  const [sum, hash] = [new Digest(), { a: 0, b: 0 }];
  for (const record of kafka.recordsOf(topic)) {
    hashRecord(record, hash);
    sum.add(hash);
  }
  return sum.toJSON();
}

function idsOf(rows: MemoryRowWriter) {
  const [sum, hash, id] = [new Digest(), { a: 0, b: 0 }, new Uint32Array(4)];
  const events = new Set(rows.rows('clicks').map((row) => String(row['event_id'])));
  for (const event of events) {
    expect(parseUuid(event, id)).toBe(true);
    hashUuid(id, hash);
    sum.add(hash);
  }
  return sum.toJSON();
}

test('a refused fact, window row and record are in no account, and their letters are', async () => {
  const { driver, rows, commit, kafka } = await setUp();
  rows.refuses = (row) => (row['item_id'] === 'bad' || row['key'] === 'odd' ? 'does not fit' : undefined);
  kafka.refuses = ({ topic, key }) => (topic === ACTIONS && key === 'long' ? 'too large' : undefined);
  driver.feed(VIEWS, [viewOf('a', T0), viewOf('bad', T0), viewOf('odd', T0)]);
  driver.feed(VIEWS, [viewOf('b', T0, { anonymousId: 'long' })]);
  await commit();
  const first = await compared(driver, rows);
  // The row of a window is put aside with the next commit.
  expect({ ...first.said, versions: [] }).toEqual({ ...first.there, versions: [] });
  await commit();
  const second = await compared(driver, rows);
  expect(second.said).toEqual(second.there);
  expect(second).toMatchObject({ read: 4, isWhole: true });
  expect(kafka.recordsOf(DLQ)).toHaveLength(3);
  // Later commits go on from what was amended.
  driver.feed(VIEWS, [viewOf('c', T0), viewOf('bad', T0)]);
  await commit();
  await commit();
  const third = await compared(driver, rows);
  expect(third.said).toEqual(third.there);
  expect(third.read).toBe(6);
});

test('what was read while the tables were asked is in the account of the next commit', async () => {
  const { driver, rows, commit } = await setUp();
  rows.refuses = (row) => (row['item_id'] === 'bad' ? 'does not fit' : undefined);
  driver.feed(VIEWS, [viewOf('a', T0), viewOf('bad', T0), viewOf('bad', T0)]);
  rows.goDown();
  const committed = commit();
  await new Promise((resolve) => setImmediate(resolve));
  driver.feed(VIEWS, [viewOf('b', T0)]);
  rows.comeUp();
  await committed;
  const then = await compared(driver, rows);
  expect(then.read).toBe(3);
  expect(then.said.facts).toEqual(then.there.facts);
  await commit();
  const next = await compared(driver, rows);
  expect(next.read).toBe(4);
  expect(next.said).toEqual(next.there);
});

test.each(['before the transaction', 'after it'])('it is exact when the task ends %s', async (when) => {
  const { driver, rows, commit, kafka } = await setUp();
  rows.refuses = (row) => (row['item_id'] === 'bad' || row['key'] === 'bad' ? 'does not fit' : undefined);
  const views = [viewOf('a', T0), viewOf('bad', T0)];
  driver.feed(VIEWS, views);
  if (when === 'before the transaction')
    kafka.failCommits(new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', 'no answer'));
  await commit();
  kafka.failCommits(undefined);
  const next = await driveTask(viewJob(0)[0]!, { nowMs: T0, kafka });
  if (when === 'before the transaction') next.feed(VIEWS, views);
  await commit(next.task);
  await commit(next.task);
  const { said, there } = await compared(next, rows);
  // Rows that are said again have their version.
  expect({ ...said, versions: new Set(said.versions) }).toEqual({
    ...there,
    versions: new Set(there.versions),
  });
  expect(kafka.recordsOf(DLQ)).toHaveLength(2);
});
