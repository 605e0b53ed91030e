import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MillraceError } from '../../../platform/errors.ts';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { deadLetterTopic, lateTopic } from '../../../schemas/topics.ts';
import type { ProductViewed } from '../../../schemas/generated/events.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { T0, viewOf } from '../../../test/harness/shop-events.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import {
  countViews,
  factsByPlace,
  latestCounts,
  viewJob,
  viewRecord,
  VIEWS,
  viewStream,
  viewTopics,
} from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import type { InputRecord, TaskContext } from '../topology.ts';
import { StreamRunner, type RunnerOptions } from './runner.ts';

const PARTITIONS = 4;
const HOUR_MS = 3_600_000;
const byItem = (event: ProductViewed) => event.itemId;
const byDevice = (event: ProductViewed) => event.anonymousId;

interface Stage {
  readonly kafka: Kafka;
  readonly rows: MemoryRowWriter;
  readonly store: MemoryOnlineStore;
  /** Starts a runner on the stage's log and sinks. */
  run(overrides?: Partial<RunnerOptions>): Promise<StreamRunner>;
  publish(events: readonly ProductViewed[]): Promise<void>;
  /** Resolves when the runners have committed everything that is in the input. */
  allCommitted(): Promise<void>;
}

async function stage(): Promise<Stage> {
  const kafka = await openEmbeddedLog({ dir: await temporaryDir(), log: silentLogger(), fsync: false });
  await kafka.admin.ensureTopics(viewTopics(PARTITIONS));
  const rows = new MemoryRowWriter();
  const store = new MemoryOnlineStore();
  const running: StreamRunner[] = [];
  const producer = kafka.producer();
  onTestFinished(async () => {
    rows.comeUp();
    store.comeUp();
    await Promise.all(running.map((runner) => runner.stop()));
    await kafka.close();
  });
  return {
    kafka,
    rows,
    store,
    async run(overrides = {}) {
      const runner = new StreamRunner({
        subtopologies: viewJob(0),
        groupId: 'test',
        namespace: '',
        kafka,
        rows,
        store,
        watermark: { outOfOrderMs: HOUR_MS, idleTimeoutMs: 60_000 },
        commitIntervalMs: 20,
        onlineFlushIntervalMs: 5,
        now: Date.now,
        newId: randomUUID,
        log: silentLogger(),
        ...overrides,
      });
      running.push(runner);
      await runner.start();
      return runner;
    },
    async publish(events) {
      await producer.send(events.map(viewRecord));
    },
    async allCommitted() {
      const isDone = async (topic: string) => {
        const committed = await kafka.admin.committed('test', topic);
        const offsets = await kafka.admin.offsets(topic);
        return offsets.every(
          ({ partition, end }) => (committed.find((o) => o.partition === partition)?.offset ?? 0) >= end,
        );
      };
      await waitUntil(async () => (await isDone(VIEWS)) && (await isDone('millrace.user-activity')), {
        timeoutMs: 30_000,
        what: 'everything committed',
      });
    },
  };
}

/** Both tables of windows and the facts against the truth. */
function expectTruth({ rows }: Stage, events: readonly ProductViewed[]): void {
  expect(latestCounts(rows.rows('item_minute'))).toEqual(countViews(events, byItem));
  expect(latestCounts(rows.rows('device_minute'))).toEqual(countViews(events, byDevice));
  const facts = [...factsByPlace(rows.rows('clicks')).values()];
  expect(facts.sort()).toEqual([...new Set(events.map((event) => event.eventId))].sort());
}

test('counts every event once, over a repartition, and puts aside what it cannot take', async () => {
  const on = await stage();
  const events = viewStream(3000, { stepMs: 100, disorderMs: 5000 });
  await on.publish(events);
  const corrupt = Buffer.from('no event at all');
  await on.kafka.producer().send([{ topic: VIEWS, key: 'x', value: corrupt }]);
  const runner = await on.run();
  await on.allCommitted();
  expectTruth(on, events);
  const views = runner.tasks.filter((task) => task.subtopology.name === 'views');
  const sum = (field: 'ok' | 'duplicate' | 'deadLetter') =>
    views.reduce((all, task) => all + task.counters[field], 0);
  expect([sum('ok'), sum('duplicate'), sum('deadLetter')]).toEqual([2800, 200, 1]);
  const letters = (await on.kafka.admin.offsets(deadLetterTopic(VIEWS))).reduce(
    (all, { end }) => all + end,
    0,
  );
  expect(letters).toBe(1);
  expect(runner.isAlive).toBe(true);
  const totals = Object.entries(on.store.values()).reduce((all, [, value]) => all + Number(value), 0);
  expect(totals).toBe(2800);
});

test('an event beyond out-of-order bound and grace goes to the late topic and stays a fact', async () => {
  const on = await stage();
  await on.run({ watermark: { outOfOrderMs: 0, idleTimeoutMs: 60_000 } });
  const device = { anonymousId: 'device-1' };
  const inTime = [viewOf('a', T0, device), viewOf('a', T0 + 61_000, device)];
  const late = viewOf('a', T0 + 59_999, device);
  await on.publish([...inTime, late]);
  await on.allCommitted();
  expect(latestCounts(on.rows.rows('item_minute'))).toEqual(countViews(inTime, byItem));
  expect(factsByPlace(on.rows.rows('clicks')).size).toBe(3);
  const lateCount = (await on.kafka.admin.offsets(lateTopic(VIEWS))).reduce((all, { end }) => all + end, 0);
  expect(lateCount).toBe(1);
});

test('windows close on topics that fell silent', async () => {
  const on = await stage();
  await on.run({ watermark: { outOfOrderMs: 0, idleTimeoutMs: 100 } });
  await on.publish([viewOf('a', T0 + 59_900)]);
  await waitUntil(
    () =>
      ['item_minute', 'device_minute'].every((table) =>
        on.rows.rows(table).some((row) => row['reason'] === 'idle'),
      ),
    {
      what: 'closed windows',
    },
  );
  expect(latestCounts(on.rows.rows('item_minute'))).toEqual(new Map([['0 a', 1]]));
});

describe('while a sink is down nothing is lost, and processing goes on when it is back', () => {
  const events = viewStream(2000, { stepMs: 100, disorderMs: 5000 });

  test('ClickHouse', async () => {
    const on = await stage();
    on.rows.goDown();
    const runner = await on.run({ maxPending: 200 });
    await on.publish(events.slice(0, 1000));
    await waitUntil(() => on.rows.flushes > 0);
    await on.publish(events.slice(1000));
    const pending = () => runner.tasks.reduce((all, task) => all + task.outputs.pending, 0);
    await waitUntil(() => pending() >= 200, { what: 'back-pressure' });
    const readWhileDown = runner.tasks.reduce((all, task) => all + task.counters.ok, 0);
    expect(runner.isAlive).toBe(true);
    on.rows.comeUp();
    await on.allCommitted();
    expectTruth(on, events);
    expect(runner.tasks.reduce((all, task) => all + task.counters.ok, 0)).toBeGreaterThanOrEqual(
      readWhileDown,
    );
  });

  test('the online store', async () => {
    const on = await stage();
    on.store.isDown = true;
    await on.run();
    await on.publish(events);
    await waitUntil(() => on.rows.rows('clicks').length > 0);
    expect(await on.kafka.admin.committed('test', VIEWS)).toEqual([]);
    on.store.isDown = false;
    await on.allCommitted();
    expectTruth(on, events);
    const totals = Object.values(on.store.values()).reduce((all, value) => all + Number(value), 0);
    expect(totals).toBe(new Set(events.map((event) => event.eventId)).size);
  });
});

test('under back-pressure nothing closes early: what waits to be read is not silence', async () => {
  const on = await stage();
  const idleTimeoutMs = 200;
  const events = viewStream(40_000, { stepMs: 50, disorderMs: 0 });
  await on.publish(events);
  on.rows.goDown();
  const runner = await on.run({ maxPending: 100, watermark: { outOfOrderMs: 0, idleTimeoutMs } });
  const seen = () =>
    runner.tasks.map(({ id, positions, watermarkMs }) => [id, [...positions.values()], watermarkMs] as const);
  const read = () => seen().reduce((all, [, [position]]) => all + (position ?? 0), 0);
  await waitUntil(() => on.rows.flushes > 0 && read() > 0, { timeoutMs: 10_000, what: 'a flush that waits' });
  // The loop stands as soon as the next commit is full; from then on only the clock moves.
  await sleep(idleTimeoutMs);
  const blocked = seen();
  await sleep(5 * idleTimeoutMs);
  expect(seen()).toEqual(blocked);
  expect(read()).toBeLessThan(events.length);
  on.rows.comeUp();
  await on.allCommitted();
  expectTruth(on, events);
  const late = await on.kafka.admin.offsets(lateTopic(VIEWS));
  expect(late.map(({ end }) => end)).toEqual(Array.from({ length: PARTITIONS }, () => 0));
});

test('with a bound on their drift, no task reads far ahead of the slowest', async () => {
  const on = await stage();
  const maxDriftMs = 600_000;
  const events = viewStream(20_000, { stepMs: 3000, disorderMs: 0 });
  await on.publish(events);
  const read: { readonly partition: number; readonly eventTimeMs: number }[] = [];
  const subtopologies = viewJob(0).map((subtopology) => ({
    ...subtopology,
    create: (context: TaskContext) => {
      const processor = subtopology.create(context);
      if (subtopology.name !== 'views') return processor;
      const process = (record: InputRecord<never>) => {
        read.push({ partition: context.partition, eventTimeMs: record.eventTimeMs });
        return processor.process(record);
      };
      return { ...processor, process };
    },
  }));
  await on.run({ subtopologies, watermark: { outOfOrderMs: 0, idleTimeoutMs: 300, maxDriftMs } });
  await on.allCommitted();
  expectTruth(on, events);
  const latest = new Map<number, number>();
  let furthestMs = 0;
  for (const { partition, eventTimeMs } of read) {
    // Before each has read something, there is nothing to wait for.
    if (latest.size === PARTITIONS)
      furthestMs = Math.max(furthestMs, eventTimeMs - Math.min(...latest.values()));
    latest.set(partition, Math.max(eventTimeMs, latest.get(partition) ?? 0));
  }
  expect(furthestMs).toBeGreaterThan(0);
  expect(furthestMs).toBeLessThanOrEqual(maxDriftMs);
});

test('rows that ClickHouse refuses end the runner; nothing of them is committed, and the next one starts there', async () => {
  const on = await stage();
  const events = viewStream(500, { stepMs: 100, disorderMs: 1000 });
  on.rows.refusal = new MillraceError('MR_CLICKHOUSE_QUERY_FAILED', 'no such column');
  const runner = await on.run();
  await on.publish(events);
  await expect(runner.done).rejects.toBe(on.rows.refusal);
  expect(runner.isAlive).toBe(false);
  await runner.stop();
  expect(await on.kafka.admin.committed('test', VIEWS)).toEqual([]);
  on.rows.refusal = undefined;
  await on.run();
  await on.allCommitted();
  expectTruth(on, events);
});

test('stopped and started again it goes on where it was', async () => {
  const on = await stage();
  const events = viewStream(1200, { stepMs: 100, disorderMs: 5000 });
  for (let at = 0; at < events.length; at += 400) {
    const runner = await on.run();
    await on.publish(events.slice(at, at + 400));
    if (at === 400) await waitUntil(() => runner.tasks.some((task) => task.counters.ok > 0));
    else await on.allCommitted();
    await runner.stop();
    await expect(runner.done).resolves.toBeUndefined();
  }
  await on.run();
  await on.allCommitted();
  expectTruth(on, events);
  const epochs = new Set(
    on.rows.rows('item_minute').map((row) => Math.floor(Number(row['version']) / 2 ** 40)),
  );
  expect(epochs.size).toBe(3);
});

test('members of a group share the tasks, and hand them over without losing or counting anything twice', async () => {
  const on = await stage();
  const events = viewStream(6000, { stepMs: 50, disorderMs: 5000 });
  const first = await on.run();
  expect(first.tasks).toHaveLength(2 * PARTITIONS);
  const publishing = (async () => {
    for (let at = 0; at < events.length; at += 60) {
      await on.publish(events.slice(at, at + 60));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  await waitUntil(() => on.rows.rows('clicks').length > 300);
  const second = await on.run();
  await waitUntil(() => first.tasks.length === PARTITIONS && second.tasks.length === PARTITIONS);
  const third = await on.run();
  await waitUntil(() => on.rows.rows('clicks').length > 2500);
  await first.stop();
  await third.stop();
  await waitUntil(() => second.tasks.length === 2 * PARTITIONS);
  await publishing;
  await on.allCommitted();
  expectTruth(on, events);
});

test('a task whose transaction fails starts again and comes to the same results', async () => {
  const on = await stage();
  const codes: string[] = [];
  const runner = await on.run({ onRestart: (code) => codes.push(code) });
  const events = viewStream(2000, { stepMs: 50, disorderMs: 5000 });
  await on.publish(events.slice(0, 1000));
  await waitUntil(() => on.rows.rows('clicks').length > 0);
  // Another holder of the id fences the task, as after a rebalance that it has not heard of.
  const task = runner.tasks.find(({ subtopology }) => subtopology.name === 'views');
  const thief = on.kafka.transactionalProducer({
    transactionalId: `test|views|${task?.partition ?? 0}`,
    groupId: 'test',
  });
  await thief.init();
  await on.publish(events.slice(1000));
  await waitUntil(() => codes.length > 0);
  await on.allCommitted();
  expect(codes).toContain('MR_KAFKA_FENCED');
  expectTruth(on, events);
});

/** Members come and go, sinks fail and tasks are fenced, in an order that the seed decides. */
async function chaos(on: Stage, seed: number, until: () => boolean): Promise<void> {
  let state = seed;
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  const members = [await on.run(), await on.run()];
  const thief = (id: string) => on.kafka.transactionalProducer({ transactionalId: id, groupId: 'test' });
  const acts: readonly (() => Promise<unknown>)[] = [
    async () => members.push(await on.run({ maxPending: 300 })),
    async () => (members.length > 1 ? members.splice(random(members.length), 1)[0]?.stop() : undefined),
    async () => on.rows.goDown(),
    async () => (on.store.isDown = true),
    async () => (on.store.failAfterCalls = random(5)),
    async () => thief(`test|${random(2) === 0 ? 'views' : 'actions'}|${random(PARTITIONS)}`).init(),
  ];
  while (!until()) {
    await acts[random(acts.length)]?.();
    await new Promise((resolve) => setTimeout(resolve, random(60)));
    on.rows.comeUp();
    on.store.comeUp();
  }
}

test.each([5, 71_276, 79_195, 13_405_389])('comes to the truth whatever happens (seed %i)', async (seed) => {
  const on = await stage();
  const events = viewStream(6000, { stepMs: 50, disorderMs: 5000 });
  let isPublished = false;
  const publishing = (async () => {
    for (let at = 0; at < events.length; at += 60) {
      await on.publish(events.slice(at, at + 60));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    isPublished = true;
  })();
  await chaos(on, seed, () => isPublished);
  await publishing;
  await on.allCommitted();
  expectTruth(on, events);
});

test('does not start on inputs with unequal partition counts, or without them', async () => {
  const on = await stage();
  await on.kafka.admin.ensureTopics([{ topic: 'odd', partitions: PARTITIONS + 1 }]);
  const [views] = viewJob(0);
  for (const [other, code] of [
    ['odd', 'MR_KAFKA_TOPIC_MISMATCH'],
    ['missing', 'MR_TOPOLOGY_UNKNOWN_TOPIC'],
  ] as const) {
    const subtopologies = [{ ...views!, inputs: [{ topic: VIEWS }, { topic: other }] }];
    await expect(on.run({ subtopologies })).rejects.toMatchObject({ code });
  }
});

describe('with standbys', () => {
  /** Where reads of changelogs have begun, of each task's partition. */
  function watched(kafka: Kafka): { kafka: Kafka; reads: { place: string; fromOffset: number }[] } {
    const reads: { place: string; fromOffset: number }[] = [];
    const watching: Kafka = {
      kind: kafka.kind,
      admin: kafka.admin,
      producer: () => kafka.producer(),
      transactionalProducer: (id) => kafka.transactionalProducer(id),
      groupConsumer: (options) => kafka.groupConsumer(options),
      readToEnd: (source) => {
        reads.push({ place: `${source.topic}-${source.partition}`, fromOffset: source.fromOffset ?? 0 });
        return kafka.readToEnd(source);
      },
      ping: (timeoutMs) => kafka.ping(timeoutMs),
      info: (timeoutMs) => kafka.info(timeoutMs),
      close: () => kafka.close(),
    };
    return { kafka: watching, reads };
  }

  test('a member that leaves is replaced by one that has followed its tasks', async () => {
    const on = await stage();
    const first = await on.run({ withStandbys: true });
    const events = viewStream(4000, { stepMs: 50, disorderMs: 5000 });
    await on.publish(events.slice(0, 2000));
    await on.allCommitted();
    const { kafka, reads } = watched(on.kafka);
    const second = await on.run({ withStandbys: true, kafka });
    await waitUntil(() => first.standbys.length + second.standbys.length === 2 * PARTITIONS, {
      what: 'standbys',
    });
    const followed = () => second.standbys.every((id) => reads.some(({ place }) => place.endsWith(id)));
    await waitUntil(followed, { what: 'the standbys to be read' });
    const copied = new Set(second.standbys);
    expect(copied.size).toBe(PARTITIONS);
    await on.publish(events.slice(2000, 3000));
    await on.allCommitted();
    await new Promise((resolve) => setTimeout(resolve, 700));
    reads.length = 0;
    await first.stop();
    await waitUntil(() => second.tasks.length === 2 * PARTITIONS, { what: 'the tasks to be taken over' });
    // What was followed is not read from its beginning again.
    for (const id of copied) {
      const own = reads.filter(({ place }) => place.endsWith(id));
      expect(own.filter(({ fromOffset }) => fromOffset === 0)).toEqual([]);
    }
    await on.publish(events.slice(3000));
    await on.allCommitted();
    expectTruth(on, events);
  });
});
