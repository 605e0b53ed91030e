import { randomUUID } from 'node:crypto';
import { createBatchWriter } from '../../platform/clickhouse/writer.ts';
import type { ClickHouse } from '../../platform/clickhouse/port.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { createLogger } from '../../platform/log.ts';
import type { OnlineStore } from '../../platform/online-store/port.ts';
import { count } from '../../processors/runtime/aggregates/index.ts';
import { events, type Codec } from '../../processors/runtime/codec.ts';
import { topology, toWindowTable } from '../../processors/runtime/dsl/index.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import { onUpdate, tumbling } from '../../processors/runtime/windows/index.ts';
import type { ProductViewed } from '../../schemas/generated/events.ts';
import type { Subtopology } from '../../processors/runtime/topology.ts';
import type { Timing } from './raw-loop.ts';

const MINUTE_MS = 60_000;

/** Views by item and minute, in each task. */
export function viewsByMinute(topic: string, name: string): Subtopology {
  const app = topology(name);
  app
    .stream(topic, { codec: events as Codec<ProductViewed>, subtopology: name })
    .keyLocallyBy('itemId')
    .window(tumbling({ sizeMs: MINUTE_MS }))
    .aggregate('views', count(), onUpdate())
    .to(
      toWindowTable('item_minute', ({ key, windowStartMs, value, reason }) => ({
        window_start: windowStartMs,
        item_id: key,
        views: value,
        cart_adds: 0,
        reason,
      })),
    );
  const [made] = app.build().subtopologies;
  if (made === undefined) throw new Error('the job is one sub-topology');
  return { ...made, inputs: made.inputs.map((input) => ({ ...input, deduplicated: true })) };
}

/** Runs the job over a topic from its start until every event is committed. */
export async function runWindowJob(options: {
  readonly kafka: Kafka;
  readonly clickhouse: ClickHouse;
  readonly store: OnlineStore;
  readonly topic: string;
  readonly name: string;
  readonly events: number;
}): Promise<Timing> {
  const log = createLogger('warn', 'bench');
  const runner = new StreamRunner({
    subtopologies: [viewsByMinute(options.topic, options.name)],
    groupId: options.name,
    namespace: '',
    kafka: options.kafka,
    rows: createBatchWriter(options.clickhouse, { maxRows: 50_000, maxBytes: 64 * 1024 * 1024, log }),
    store: options.store,
    watermark: { outOfOrderMs: 2000, idleTimeoutMs: 60_000 },
    commitIntervalMs: 1000,
    onlineFlushIntervalMs: 50,
    now: Date.now,
    newId: randomUUID,
    log,
  });
  await runner.start();
  const startedMs = performance.now();
  await committedUpTo(options, runner);
  const seconds = (performance.now() - startedMs) / 1000;
  const counters = runner.tasks.map((task) => task.counters);
  await runner.stop();
  const events = counters.reduce((sum, c) => sum + c.ok + c.late, 0);
  if (events !== options.events) {
    throw new Error(`the job counted ${events} of ${options.events} events: ${JSON.stringify(counters)}`);
  }
  return { events, seconds };
}

const STALL_MS = 30_000;

/** Resolves when the group's committed offsets have reached the end of the topic; rejects when nothing moves. */
async function committedUpTo(
  options: {
    readonly kafka: Kafka;
    readonly topic: string;
    readonly name: string;
    readonly events: number;
  },
  runner: StreamRunner,
): Promise<void> {
  let moved = { committed: -1, atMs: performance.now() };
  for (;;) {
    const failed = await Promise.race([runner.done.then(() => true), wait(20).then(() => false)]);
    if (failed) throw new Error('the job ended before its input');
    const offsets = await options.kafka.admin.committed(options.name, options.topic);
    const committed = offsets.reduce((sum, { offset }) => sum + offset, 0);
    if (committed >= options.events) return;
    if (committed > moved.committed) moved = { committed, atMs: performance.now() };
    if (performance.now() - moved.atMs > STALL_MS) {
      const counters = JSON.stringify(runner.tasks.map((task) => [task.id, task.counters, task.lagRecords]));
      throw new Error(`the job stands still at ${committed} of ${options.events} events: ${counters}`);
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
