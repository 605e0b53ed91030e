import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { MemoryOnlineStore, MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { viewOf } from '../../../test/harness/shop-events.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { viewJob, viewRecord, VIEWS, viewTopics } from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import { StreamRunner } from './runner.ts';

const HOUR_MS = 3_600_000;
const GROUP = 'lost';

/** A job on one partition of an embedded log that keeps its input for an hour, on a clock that can be put forward. */
async function stage() {
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const kafka = await openEmbeddedLog({
    ...{ dir: await temporaryDir(), log: silentLogger(), fsync: false },
    ...{ now, maintenanceIntervalMs: 20 },
  });
  const config = { 'retention.ms': String(HOUR_MS) };
  const topics = viewTopics(1).map((spec) => (spec.topic === VIEWS ? { ...spec, config } : spec));
  await kafka.admin.ensureTopics(topics);
  const rows = new MemoryRowWriter();
  const running: StreamRunner[] = [];
  onTestFinished(async () => {
    rows.comeUp();
    await Promise.all(running.map((runner) => runner.stop()));
    await kafka.close();
  });
  /** Resolves with the runner and, once it has ended, what ended it. */
  const run = (maxPending?: number) => {
    const runner = new StreamRunner({
      ...{ subtopologies: viewJob(0), groupId: GROUP, namespace: '', kafka, rows },
      store: new MemoryOnlineStore(),
      watermark: { outOfOrderMs: HOUR_MS, idleTimeoutMs: 60_000 },
      ...{ commitIntervalMs: 20, onlineFlushIntervalMs: 5, now, newId: randomUUID, log: silentLogger() },
      ...(maxPending === undefined ? {} : { maxPending }),
    });
    running.push(runner);
    const ended = runner.start().then(() => runner.done);
    const error = ended.then(
      () => 'it ended well',
      (failure: unknown) => failure,
    );
    return { runner, error };
  };
  const publish = (count: number) =>
    kafka.producer().send(
      Array.from({ length: count }, () => {
        const event = viewOf('item-1', now(), { eventId: randomUUID(), ingestTime: now() });
        return { ...viewRecord(event), timestampMs: now() };
      }),
    );
  const committed = async () => (await kafka.admin.committed(GROUP, VIEWS))[0]?.offset ?? 0;
  const untilCommitted = (offset: number) =>
    waitUntil(async () => (await committed()) >= offset, {
      ...{ timeoutMs: 30_000, what: `offset ${offset} committed` },
    });
  /** Lets so much time pass that retention removes everything up to an offset. */
  const forget = async (start: number) => {
    aheadMs += 2 * HOUR_MS;
    const isGone = async () => (await kafka.admin.offsets(VIEWS))[0]?.start === start;
    await waitUntil(isGone, { timeoutMs: 30_000, what: 'the records to be removed' });
  };
  return { rows, run, publish, committed, untilCommitted, forget };
}

test('unread records that retention removed while the job was down are an alarm at its start', async () => {
  const on = await stage();
  const first = on.run();
  await on.publish(10);
  await on.untilCommitted(10);
  await first.runner.stop();
  await on.publish(20);
  await on.forget(30);
  await on.publish(5);
  // Each start, until somebody has decided what to do: it never goes on by itself.
  for (let start = 0; start < 2; start++) {
    const { runner, error } = on.run();
    expect(await error).toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
      context: { topic: VIEWS, partition: 0, offset: 10, start: 30, end: 35 },
    });
    await runner.stop();
  }
  expect(await on.committed()).toBe(10);
  expect(on.rows.rows('clicks')).toHaveLength(10);
});

test('what was read and is gone since is no alarm', async () => {
  const on = await stage();
  const first = on.run();
  await on.publish(10);
  await on.untilCommitted(10);
  await first.runner.stop();
  await on.forget(10);
  on.run();
  await on.publish(5);
  await on.untilCommitted(15);
  expect(on.rows.rows('clicks')).toHaveLength(15);
});

test('records that are removed in front of a job that waits for its sink are an alarm', async () => {
  const on = await stage();
  const { runner, error } = on.run(100);
  await on.publish(10);
  await on.untilCommitted(10);
  on.rows.goDown();
  await on.publish(5000);
  await waitUntil(() => runner.tasks.some(({ pending }) => pending >= 100), {
    ...{ timeoutMs: 30_000, what: 'reading to stop' },
  });
  await on.forget(5010);
  on.rows.comeUp();
  expect(await error).toMatchObject({
    code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
    context: { topic: VIEWS, partition: 0, start: 5010 },
  });
  expect(on.rows.rows('clicks').length).toBeLessThan(5010);
});
