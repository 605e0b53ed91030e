import type { RecordBatch } from '../../platform/kafka/port.ts';
import { Task } from '../../processors/runtime/task/task.ts';
import type { Subtopology } from '../../processors/runtime/topology.ts';
import type { MillraceEvent } from '../../schemas/generated/events.ts';
import { decodeEvent, encodeEvent } from '../../schemas/wire-format.ts';
import { memoryKafka, type MemoryKafka } from './memory-kafka.ts';

export interface TaskDriver {
  readonly task: Task;
  readonly kafka: MemoryKafka;
  /** Sets the virtual clock, epoch ms. */
  setNow(nowMs: number): void;
  /** Feeds events to an input, as one fetch that reaches its end. */
  feed(topic: string, events: readonly MillraceEvent[]): void;
  /** Feeds bytes that may be no event. */
  feedRaw(topic: string, values: readonly (Buffer | null)[]): void;
  /** Commits; the answer holds the rows by table. */
  commit(): Promise<ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>>;
  /** Online writes since the last call, by key. */
  online(): ReadonlyMap<string, string | null>;
  /** Events that were committed to a topic. */
  events(topic: string): readonly MillraceEvent[];
  /** A fresh task that restores what was committed: what a restart does. */
  restart(): Promise<TaskDriver>;
}

export interface DriverOptions {
  readonly nowMs: number;
  readonly outOfOrderMs?: number;
  readonly idleTimeoutMs?: number;
  readonly kafka?: MemoryKafka;
  readonly offsets?: Map<string, number>;
}

/** Drives one task with a virtual clock: real state, windows, timers and changelog over the log in memory. */
export async function driveTask(subtopology: Subtopology, options: DriverOptions): Promise<TaskDriver> {
  const kafka = options.kafka ?? memoryKafka();
  const offsets = options.offsets ?? new Map<string, number>();
  let nowMs = options.nowMs;
  let ids = 0;
  const task = new Task(subtopology, 0, {
    kafka,
    groupId: 'test',
    watermark: { outOfOrderMs: options.outOfOrderMs ?? 0, idleTimeoutMs: options.idleTimeoutMs ?? 5000 },
    topicName: (topic) => topic,
    changelogName: (name) => `changelog.${name}`,
    now: () => nowMs,
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
  });
  await task.start();

  const feedRaw = (topic: string, values: readonly { value: Buffer | null; timestampMs: number }[]) => {
    const start = offsets.get(topic) ?? 0;
    const end = start + values.length;
    offsets.set(topic, end);
    const records = values.map((value, index) => ({
      offset: start + index,
      key: Buffer.from('key'),
      headers: {},
      ...value,
    }));
    const batch: RecordBatch = { topic, partition: 0, records, nextOffset: end, endOffset: end };
    task.processBatch(topic, batch);
  };

  return {
    task,
    kafka,
    setNow: (ms) => {
      nowMs = ms;
      task.advanceTime();
    },
    feed: (topic, events) =>
      feedRaw(
        topic,
        events.map((event) => ({ value: encodeEvent(event), timestampMs: event.ingestTime })),
      ),
    feedRaw: (topic, values) =>
      feedRaw(
        topic,
        values.map((value) => ({ value, timestampMs: nowMs })),
      ),
    async commit() {
      const prepared = task.prepareCommit();
      await task.commit(prepared);
      return prepared.rows;
    },
    online: () => new Map(task.outputs.takeOnline().writes.map((write) => [write.key, write.value])),
    events: (topic) => kafka.recordsOf(topic).map((record) => decodeEvent(record.value)),
    restart: () => driveTask(subtopology, { ...options, nowMs, kafka, offsets }),
  };
}
