import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { encodeEvent } from '../../../schemas/wire-format.ts';
import { eventId, T0, viewOf } from '../../../test/harness/shop-events.ts';
import { driveTask, type TaskDriver } from '../testing/task-driver.ts';
import { count } from '../aggregates/index.ts';
import type { InputRecord, Subtopology, TaskContext } from '../topology.ts';
import { aggregateWindows, onUpdate, tumbling } from '../windows/index.ts';

const TOPIC = 'shop.clickstream';
const MINUTE_MS = 60_000;

/** Views by item and minute, the items seen so far, and a timer for each: a bit of everything a task has. */
function countViews(context: TaskContext) {
  const seen = context.store<number>('seen');
  const timers = context.timers('reminders', (itemId, dueMs) =>
    context.outputs.notify('reminders', `${itemId} at ${dueMs - T0}`),
  );
  const windows = aggregateWindows(context, {
    name: 'views',
    window: tumbling({ sizeMs: MINUTE_MS, graceMs: 10_000 }),
    aggregator: count(),
    emit: onUpdate(),
    onResult: ({ key, windowStartMs, value, reason }) =>
      context.outputs.versionedRow('item_minute', {
        window_start: windowStartMs,
        item_id: key,
        views: value,
        reason,
      }),
  });
  return { seen, timers, windows };
}

const counting: Subtopology = {
  name: 'counting',
  inputs: [{ topic: TOPIC, deduplicated: true }],
  create(context) {
    const { seen, timers, windows } = countViews(context);
    return {
      process(record: InputRecord) {
        const { value: event } = record;
        if (event.type !== 'ProductViewed') return { kind: 'drop' };
        if (event.itemId === 'poison')
          return { kind: 'dead-letter', code: 'MR_PROCESS_INVALID_EVENT', reason: 'poison' };
        if (event.itemId === 'bug') throw new TypeError('a bug');
        seen.set(event.itemId, (seen.get(event.itemId) ?? 0) + 1);
        timers.set(event.itemId, event.eventTime + 3 * MINUTE_MS);
        context.outputs.fact('clicks', record, { item_id: event.itemId, seen: seen.get(event.itemId) });
        return windows.add(event.itemId, event, event.eventTime);
      },
    };
  },
};

const drive = () => driveTask(counting, { nowMs: T0 });

function rowsOf(rows: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>) {
  return (rows.get('item_minute') ?? []).map((row) => [row['item_id'], row['views'], row['reason']]);
}

function letters(driver: TaskDriver, topic: string) {
  return driver.kafka.recordsOf(topic).map(({ value, headers }) => ({ value, headers }));
}

describe('records that cannot be processed go alone to the dead letters', () => {
  test('bytes that are no event', async () => {
    const driver = await drive();
    const unknown = Buffer.from([0, 0, 0, 255, 255, 1]);
    const good = encodeEvent(viewOf('a', T0));
    const values = [null, Buffer.alloc(0), Buffer.from('{}'), unknown, good.subarray(0, 12), good];
    driver.feedRaw(TOPIC, values);
    await driver.commit();
    expect(driver.task.counters).toMatchObject({ ok: 1, deadLetter: 5 });
    const dead = letters(driver, `${TOPIC}.dlq`);
    expect(dead.map(({ value }) => value)).toEqual(values.slice(0, 5));
    expect(dead.map(({ headers }) => [headers['mr-code'], headers['mr-origin-offset']])).toEqual([
      ['MR_SCHEMA_DECODE', '0'],
      ['MR_SCHEMA_DECODE', '1'],
      ['MR_SCHEMA_DECODE', '2'],
      ['MR_SCHEMA_UNKNOWN_ID', '3'],
      ['MR_SCHEMA_DECODE', '4'],
    ]);
    expect(dead[0]?.headers).toMatchObject({
      'mr-step': 'decode',
      'mr-subtopology': 'counting',
      'mr-origin-topic': TOPIC,
      'mr-attempt': '1',
    });
  });

  test('events of the future, which do not move the watermark', async () => {
    const driver = await drive();
    driver.feed(TOPIC, [
      viewOf('a', T0 + 5 * MINUTE_MS + 1, { ingestTime: T0 }),
      viewOf('a', T0 + 5 * MINUTE_MS, { ingestTime: T0 }),
    ]);
    await driver.commit();
    expect(driver.task.counters).toMatchObject({ ok: 1, deadLetter: 1 });
    expect(letters(driver, `${TOPIC}.dlq`)[0]?.headers['mr-code']).toBe('MR_PROCESS_FUTURE_EVENT');
    expect(driver.task.watermarkMs).toBe(T0 + 5 * MINUTE_MS);
  });

  test('eventIds that are no UUIDs and times before 1970, which no table takes', async () => {
    const driver = await drive();
    driver.feed(TOPIC, [viewOf('a', T0, { eventId: 'no-uuid' }), viewOf('a', -1, { ingestTime: T0 })]);
    await driver.commit();
    expect(letters(driver, `${TOPIC}.dlq`).map(({ headers }) => headers['mr-code'])).toEqual([
      'MR_PROCESS_INVALID_EVENT',
      'MR_PROCESS_INVALID_EVENT',
    ]);
  });

  test('what a step refuses; sent again, it is no duplicate', async () => {
    const driver = await drive();
    const poison = viewOf('poison', T0);
    driver.feed(TOPIC, [poison]);
    driver.feed(TOPIC, [{ ...poison, itemId: 'mended' }]);
    await driver.commit();
    expect(driver.task.counters).toMatchObject({ ok: 1, deadLetter: 1, duplicate: 0 });
  });
});

test('an event counts once, however often it is sent', async () => {
  const driver = await drive();
  const view = viewOf('a', T0);
  driver.feed(TOPIC, [view, view]);
  driver.feed(TOPIC, [view]);
  expect(rowsOf(await driver.commit())).toEqual([['a', 1, 'update']]);
  const again = await driver.restart();
  again.feed(TOPIC, [view, viewOf('a', T0)]);
  expect(rowsOf(await again.commit())).toEqual([['a', 2, 'update']]);
  expect(again.task.counters).toMatchObject({ ok: 1, duplicate: 1 });
});

test('a late event goes to <topic>.late with its window; what else was done with it stands', async () => {
  const driver = await drive();
  driver.feed(TOPIC, [viewOf('a', T0), viewOf('b', T0 + 70_000), viewOf('a', T0 + 59_999)]);
  const rows = await driver.commit();
  expect(rowsOf(rows)).toContainEqual(['a', 1, 'watermark']);
  expect(rows.get('clicks')).toHaveLength(3);
  const [late] = letters(driver, `${TOPIC}.late`);
  expect(late?.headers).toMatchObject({
    'mr-window-start': new Date(T0).toISOString(),
    'mr-lateness-ms': '10000',
    'mr-origin-offset': '2',
  });
  expect(driver.task.counters).toMatchObject({ ok: 2, late: 1 });
});

test('what is late does not depend on how the log is cut into batches', async () => {
  const views = [0, 50, 71, 20, 130, 65, 141, 80].map((s) => viewOf('a', T0 + s * 1000));
  const outcomes = [];
  for (const size of [1, 3, views.length]) {
    const driver = await driveTask(counting, { nowMs: T0 });
    for (let at = 0; at < views.length; at += size) driver.feed(TOPIC, views.slice(at, at + size));
    const closed = rowsOf(await driver.commit()).filter(([, , reason]) => reason === 'watermark');
    outcomes.push({ closed, counters: driver.task.counters });
  }
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[2]).toEqual(outcomes[0]);
  expect(outcomes[0]?.counters).toMatchObject({ ok: 5, late: 3 });
});

test('records before the position are passed over: a batch that is delivered again counts once', async () => {
  const driver = await drive();
  const records = ['a', 'b'].map((itemId, offset) => ({
    offset,
    key: null,
    headers: {},
    timestampMs: T0,
    value: encodeEvent(viewOf(itemId, T0)),
  }));
  const batch = { topic: TOPIC, partition: 0, records, nextOffset: 2, endOffset: 2 };
  driver.fetch(TOPIC, batch);
  driver.fetch(TOPIC, { ...batch, records: records.slice(0, 1), nextOffset: 1 });
  driver.fetch(TOPIC, batch);
  expect(driver.task.counters).toMatchObject({ ok: 2, duplicate: 0 });
  expect(driver.task.positions.get(TOPIC)).toBe(2);
});

test('windows close on a topic that fell silent, with the clock', async () => {
  const driver = await drive();
  driver.feed(TOPIC, [viewOf('a', T0 + 30_000)]);
  driver.setNow(T0 + 4999);
  expect(rowsOf(await driver.commit())).toEqual([['a', 1, 'update']]);
  driver.setNow(T0 + 5000);
  driver.setNow(T0 + 5000 + 39_999);
  expect(driver.task.hasWork).toBe(false);
  driver.setNow(T0 + 5000 + 40_000);
  expect(driver.task.hasWork).toBe(true);
  expect(rowsOf(await driver.commit())).toEqual([['a', 1, 'idle']]);
});

describe('a restart', () => {
  test('brings back state, windows, timers, watermark and position, with a higher epoch', async () => {
    const driver = await drive();
    driver.feed(TOPIC, [viewOf('a', T0), viewOf('a', T0 + 1000), viewOf('b', T0 + 2000)]);
    const before = await driver.commit();
    const again = await driver.restart();
    expect(again.task.watermarkMs).toBe(T0 + 2000);
    expect(again.task.positions.get(TOPIC)).toBe(3);
    expect(again.task.state.size).toBe(driver.task.state.size);
    again.feed(TOPIC, [viewOf('a', T0 + 3000), viewOf('z', T0 + 200_000)]);
    const { notices } = again.task.takeOnline();
    const after = await again.commit();
    expect(rowsOf(after)).toContainEqual(['a', 3, 'watermark']);
    expect(after.get('clicks')).toMatchObject([{ item_id: 'a', seen: 3 }, { item_id: 'z' }]);
    expect(notices.map(({ message }) => message)).toEqual(['b at 182000', 'a at 183000']);
    const versions = (rows: typeof after) =>
      (rows.get('item_minute') ?? []).map((row) => row['version'] as number);
    expect(Math.min(...versions(after))).toBeGreaterThan(Math.max(...versions(before)));
  });

  test('raises the epoch in its first transaction, before any event', async () => {
    const driver = await drive();
    const second = await driver.restart();
    const third = await second.restart();
    expect([driver, second, third].map(({ task }) => task.outputs.taskEpoch)).toEqual([1, 2, 3]);
  });

  test('after a failed commit finds nothing of it and comes to the same results', async () => {
    const views = [0, 10, 61, 75, 20, 150].map((s, n) => viewOf(`item-${n % 2}`, T0 + s * 1000));
    const straight = await drive();
    straight.feed(TOPIC, views);
    const expected = await straight.commit();

    const driver = await drive();
    const lost = new MillraceError('MR_KAFKA_TRANSACTION_UNKNOWN', 'the outcome is unknown');
    driver.kafka.failCommits(lost);
    driver.feed(TOPIC, views);
    await expect(driver.commit()).rejects.toBe(lost);
    expect(driver.task.failure).toBe(lost);
    driver.kafka.failCommits(undefined);

    const again = await driveTask(counting, { nowMs: T0, kafka: driver.kafka });
    expect(again.task.positions.get(TOPIC)).toBe(0);
    expect(again.task.watermarkMs).toBe(Number.NEGATIVE_INFINITY);
    again.feed(TOPIC, views);
    const actual = await again.commit();
    expect(rowsOf(actual)).toEqual(rowsOf(expected));
    expect(actual.get('clicks')).toEqual(expected.get('clicks'));
    expect(again.kafka.recordsOf(`${TOPIC}.late`)).toHaveLength(1);
  });
});

test('the first position is the start of the log where nothing was committed', async () => {
  const driver = await drive();
  expect(driver.task.positions.get(TOPIC)).toBe(0);
});

test('a step that throws for the first time sends the task back to its last commit', async () => {
  const driver = await drive();
  driver.feed(TOPIC, [viewOf('a', T0), viewOf('bug', T0)]);
  expect(driver.task.failure).toMatchObject({
    code: 'MR_PROCESS_STEP_FAILED',
    context: { topic: TOPIC, partition: 0, offset: 1 },
  });
  expect(String(driver.task.failure)).toMatch(/step counting threw TypeError at task\/task\.test\.ts:\d+/);
  expect(driver.task.faults).toBeDefined();
});

test('a commit without work is not asked for; one with records read and nothing said is', async () => {
  const driver = await drive();
  expect(driver.task.hasWork).toBe(false);
  driver.feed(TOPIC, []);
  expect(driver.task.hasWork).toBe(false);
  driver.feed(TOPIC, [
    { ...viewOf('a', T0), type: 'PageViewed', path: '/', eventId: eventId(9_999_999) } as never,
  ]);
  expect(driver.task.counters.dropped).toBe(1);
  expect(driver.task.hasWork).toBe(true);
  await driver.commit();
  expect(driver.task.hasWork).toBe(false);
});
