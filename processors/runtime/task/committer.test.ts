import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { silentLogger } from '../../../platform/log.ts';
import { encodeEvent } from '../../../schemas/wire-format.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import { decodeEvent } from '../../../schemas/wire-format.ts';
import { driveTask, type TaskDriver } from '../testing/task-driver.ts';
import type { Subtopology } from '../topology.ts';
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

describe('what a target refuses for good goes alone to the dead letters, in the same transaction', () => {
  const DLQ = `${VIEWS}.dlq`;
  const ACTIONS = 'millrace.user-activity';
  const actsIn = ({ kafka }: TaskDriver) => kafka.recordsOf(ACTIONS).filter(({ key }) => key !== null);

  test('a row', async () => {
    const { driver, rows, committer, position, task } = await setUp();
    const bad = viewOf('bad', T0);
    rows.refuses = (row) => (row['event_id'] === bad.eventId ? 'a value does not fit' : undefined);
    driver.feed(VIEWS, [viewOf('a', T0), bad, viewOf('b', T0)]);
    await committer.commit(() => [task]);
    expect(await position()).toBe(3);
    expect(rows.rows('clicks').map((row) => row['item_id'])).toEqual(['a', 'b']);
    // What else was done with the record stands: it is in its window, and said once.
    expect(rows.rows('item_minute').map((row) => [row['key'], row['count']])).toContainEqual(['bad', 1]);
    expect(actsIn(driver)).toHaveLength(3);
    const [letter, ...others] = driver.kafka.recordsOf(DLQ);
    expect(others).toEqual([]);
    expect(letter?.headers).toMatchObject({
      ...{ 'mr-code': 'MR_CLICKHOUSE_ROW_REFUSED', 'mr-step': 'sink', 'mr-reason': 'a value does not fit' },
      ...{ 'mr-subtopology': 'views', 'mr-target-table': 'clicks' },
      ...{ 'mr-origin-topic': VIEWS, 'mr-origin-partition': '0', 'mr-origin-offset': '1' },
    });
    expect(JSON.parse(String(letter?.value))).toMatchObject({ event_id: bad.eventId, _offset: 1 });
    expect(task.counters).toMatchObject({ ok: 3, deadLetter: 0, refused: 1 });
  });

  test.each(['goes on', 'starts again'])(
    'the result of a window, with the next commit: it %s',
    async (how) => {
      const { driver, rows, committer, task } = await setUp();
      rows.refuses = (row) => (row['key'] === 'bad' ? 'a value does not fit' : undefined);
      driver.feed(VIEWS, [viewOf('a', T0), viewOf('bad', T0)]);
      await committer.commit(() => [task]);
      expect(rows.rows('item_minute').map((row) => row['key'])).toEqual(['a']);
      expect(driver.kafka.recordsOf(DLQ)).toEqual([]);
      const next =
        how === 'goes on' ? task : (await driveTask(viewJob(0)[0]!, { nowMs: T0, kafka: driver.kafka })).task;
      expect(next.hasWork).toBe(true);
      await committer.commit(() => [next]);
      await committer.commit(() => [next]);
      const [letter, ...others] = driver.kafka.recordsOf(DLQ);
      expect(others).toEqual([]);
      expect(letter?.headers).toMatchObject({ 'mr-target-table': 'item_minute', 'mr-cause': 'time' });
      expect(letter?.headers).not.toHaveProperty('mr-origin-offset');
    },
  );

  test('a record', async () => {
    const { driver, rows, committer, position, task } = await setUp();
    driver.kafka.refuses = ({ topic, key }) =>
      topic === ACTIONS && key === 'device-2' ? 'too large' : undefined;
    const views = ['device-1', 'device-2', 'device-3'].map((anonymousId) => viewOf('a', T0, { anonymousId }));
    driver.feed(VIEWS, views);
    await committer.commit(() => [task]);
    expect(await position()).toBe(3);
    expect(rows.rows('clicks')).toHaveLength(3);
    expect(actsIn(driver).map(({ key }) => String(key))).toEqual(['device-1', 'device-3']);
    const [letter] = driver.kafka.recordsOf(DLQ);
    expect(decodeEvent(letter?.value as Buffer)).toMatchObject({ type: 'UserActed', userId: 'device-2' });
    expect([String(letter?.key), letter?.headers]).toMatchObject([
      'device-2',
      {
        ...{ 'mr-code': 'MR_KAFKA_RECORD_REFUSED', 'mr-step': 'produce', 'mr-reason': 'too large' },
        ...{ 'mr-target-topic': ACTIONS, 'mr-origin-topic': VIEWS, 'mr-origin-offset': '1' },
      },
    ]);
  });

  test('a value of the online store', async () => {
    const { driver, store, committer, position, task } = await setUp();
    const long = 'x'.repeat(2000);
    driver.feed(VIEWS, [viewOf('a', T0), viewOf(long, T0), viewOf('b', T0)]);
    await committer.commit(() => [task]);
    expect(await position()).toBe(3);
    expect(Object.keys(store.values())).toEqual(['total:0:a', 'total:0:b']);
    expect(driver.kafka.recordsOf(DLQ).map(({ headers }) => headers)).toMatchObject([
      {
        'mr-code': 'MR_ONLINE_STORE_FAILED',
        'mr-step': 'sink',
        'mr-target-key': `total:0:${long}`.slice(0, 1024),
      },
    ]);
  });

  test('said again after a crash before the transaction, it is one letter', async () => {
    const { driver, rows, committer, task } = await setUp();
    rows.refuses = (row) => (row['item_id'] === 'bad' ? 'a value does not fit' : undefined);
    const views = [viewOf('a', T0), viewOf('bad', T0)];
    driver.feed(VIEWS, views);
    driver.kafka.failCommits(new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', 'no answer'));
    await committer.commit(() => [task]);
    expect(task.failure).toMatchObject({ code: 'MR_KAFKA_TRANSACTION_UNKNOWN' });
    driver.kafka.failCommits(undefined);
    const next = await driveTask(viewJob(0)[0]!, { nowMs: T0, kafka: driver.kafka });
    next.feed(VIEWS, views);
    await committer.commit(() => [next.task]);
    expect(driver.kafka.recordsOf(DLQ)).toHaveLength(1);
  });

  test('a dead letter that is refused fails the whole commit, and loudly', async () => {
    const { driver, committer, position, task } = await setUp();
    driver.kafka.refuses = ({ topic }) => (topic === DLQ ? 'too large' : undefined);
    driver.feedRaw(VIEWS, [Buffer.from('no event')]);
    driver.feed(VIEWS, [viewOf('a', T0)]);
    await expect(committer.commit(() => [task])).rejects.toMatchObject({
      ...{ code: 'MR_KAFKA_PRODUCE_FAILED', retryable: false },
    });
    expect(await position()).toBeUndefined();
    expect(driver.kafka.recordsOf(ACTIONS)).toEqual([]);
    expect(task.failure).toMatchObject({ code: 'MR_KAFKA_PRODUCE_FAILED' });
  });
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

/** A job of which each start says other keys of the same events, as one does that depends on time, or on what came first. */
function attempts(): Subtopology {
  let starts = 0;
  return {
    name: 'attempts',
    inputs: [{ topic: VIEWS }],
    create(context) {
      const attempt = `attempt-${++starts}`;
      const said = context.store<string>('said');
      return {
        process(record) {
          const key = `${(record.value as { itemId: string }).itemId}/${attempt}`;
          said.set(key, attempt);
          context.outputs.fact('clicks', record, { attempt });
          context.outputs.versionedRow('results', { key, big: 2n ** 60n, ratio: Number.NaN });
          return { kind: 'ok' };
        },
      };
    },
  };
}

/** Where a process ends: the work that it had begun stands still there. */
class Killed extends Error {}

/** Starts again from the last commit, and says everything with sinks and a log that work. */
async function redo(driver: TaskDriver, rows: MemoryRowWriter): Promise<TaskDriver> {
  driver.kafka.failCommits(undefined);
  const next = await driver.restart();
  const end = driver.kafka.fetch({ topic: VIEWS, partition: 0 }, next.task.positions.get(VIEWS) ?? 0);
  next.fetch(VIEWS, end);
  const log = silentLogger();
  const online = new OnlineSink({ store: new MemoryOnlineStore(), now: () => T0, log });
  const committer = new Committer({ rows, online, log, signal: new AbortController().signal });
  while (next.task.hasWork) await committer.commit(() => [next.task]);
  return next;
}

test('whatever a redo says: rows of a commit that never came are in no table, those of one that did are in theirs', async () => {
  for (const point of [
    'before the facts',
    'before the transaction',
    'after the transaction',
    'never',
  ] as const) {
    const driver = await driveTask(attempts(), { nowMs: T0 });
    for (const itemId of ['a', 'b'])
      driver.kafka.append({
        topic: VIEWS,
        key: 'k',
        value: encodeEvent(viewOf(itemId, T0)),
        timestampMs: T0,
      });
    driver.fetch(VIEWS, driver.kafka.fetch({ topic: VIEWS, partition: 0 }, 0));
    const rows = new MemoryRowWriter();
    let flushes = 0;
    const dying = {
      add: (table: string, added: Parameters<MemoryRowWriter['add']>[1]) => rows.add(table, added),
      flush: () => {
        flushes += 1;
        if (flushes === (point === 'before the facts' ? 1 : point === 'after the transaction' ? 2 : 0))
          throw new Killed();
        return rows.flush();
      },
    };
    if (point === 'before the transaction') driver.kafka.failCommits(new Killed());
    const log = silentLogger();
    const online = new OnlineSink({ store: new MemoryOnlineStore(), now: () => T0, log });
    const committer = new Committer({ rows: dying, online, log, signal: new AbortController().signal });
    const commit = committer.commit(() => [driver.task]);
    if (point === 'never') await commit;
    else await expect(commit).rejects.toThrow(Killed);
    const taken = new MemoryRowWriter();
    for (const table of ['clicks', 'results']) taken.add(table, rows.rows(table));
    await taken.flush();

    const again = await redo(driver, taken);
    const committed = again.kafka.recordsOf('changelog.attempts').map(({ key }) => String(key));
    const keys = committed.filter((key) => key.startsWith('said/')).map((key) => key.slice('said/'.length));
    const told = taken.rows('results').map((row) => row['key']);
    expect([...new Set(told)].sort(), point).toEqual(keys.sort());
    expect(keys, point).toHaveLength(2);
    expect(taken.rows('results')[0], point).toMatchObject({ partition: 0, emitted_at: T0 });
    // Facts are said again at the same places.
    expect(new Set(taken.rows('clicks').map((row) => row['_offset'])), point).toEqual(new Set([0, 1]));
    // What a commit told later has taken the place of what was owed.
    const isOwed = point.startsWith('before');
    expect((await again.restart()).task.owedRows.size, point).toBe(isOwed ? 1 : 0);
  }
});

test('results that do not fit into one record of the log are owed in parts, whatever is in them', async () => {
  const driver = await driveTask(attempts(), { nowMs: T0 });
  const long = 'ü'.repeat(1000);
  driver.feed(
    VIEWS,
    Array.from({ length: 2000 }, (_, n) => viewOf(`${long}${n}`, T0)),
  );
  const { results } = driver.task.prepareCommit();
  const before = results.get('results') ?? [];
  await driver.restart(); // the commit never came
  const other = await driveTask(attempts(), { nowMs: T0 });
  other.feed(
    VIEWS,
    Array.from({ length: 2000 }, (_, n) => viewOf(`${long}${n}`, T0)),
  );
  await other.commit();
  const owed = (await other.restart()).task.owedRows.get('results') ?? [];
  expect(owed).toHaveLength(2000);
  expect(owed[1999]).toEqual({
    ...before[1999],
    big: String(2n ** 60n),
    ratio: 'nan',
    key: owed[1999]?.['key'],
  });
});
