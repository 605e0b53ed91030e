import type { RecordBatch } from '../../../platform/kafka/port.ts';
import type { MillraceEvent } from '../../../schemas/generated/events.ts';
import { decodeEvent, encodeEvent } from '../../../schemas/wire-format.ts';
import { topology, type TopologyBuilder } from '../dsl/index.ts';
import type { JobDescription } from '../evidence/evidence.ts';
import type { OnlineWrite } from '../online/online-views.ts';
import { Task } from '../task/task.ts';
import type { Subtopology } from '../topology.ts';
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
  /** Feeds a fetch as it stands. */
  fetch(topic: string, batch: RecordBatch): void;
  /** Commits; the answer holds the rows by table. */
  commit(): Promise<ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>>;
  /** Online writes since the last call, by key. */
  online(): ReadonlyMap<string, string | null>;
  /** Events that were committed to a topic. */
  events(topic: string): readonly MillraceEvent[];
  /** A fresh task that restores what was committed: what a restart does. */
  restart(): Promise<TaskDriver>;
}

export interface TaskDriverOptions {
  readonly nowMs: number;
  readonly outOfOrderMs?: number;
  readonly idleTimeoutMs?: number;
  /** Has decisions recorded that can be explained. */
  readonly job?: JobDescription;
  readonly kafka?: MemoryKafka;
  readonly offsets?: Map<string, number>;
}

/** The sub-topology of that name of what a job adds to a topology. */
export function subtopologyOf(name: string, add: (app: TopologyBuilder) => void): Subtopology {
  const app = topology('test');
  add(app);
  const found = app.build().subtopologies.find((subtopology) => subtopology.name === name);
  if (found === undefined) throw new Error(`the job has no sub-topology ${name}`);
  return found;
}

/** Drives one task with a virtual clock: real state, windows, timers and changelog over the log in memory. */
export async function driveTask(subtopology: Subtopology, options: TaskDriverOptions): Promise<TaskDriver> {
  const kafka = options.kafka ?? memoryKafka();
  const offsets = options.offsets ?? new Map<string, number>();
  let nowMs = options.nowMs;
  let ids = 0;
  const env = {
    kafka,
    groupId: 'test',
    watermark: { outOfOrderMs: options.outOfOrderMs ?? 0, idleTimeoutMs: options.idleTimeoutMs ?? 5000 },
    topicName: (topic: string) => topic,
    changelogName: (name: string) => `changelog.${name}`,
    upstreamOf: () => [],
    partitionsOf: () => 1,
    ...(options.job === undefined ? {} : { job: options.job }),
    now: () => nowMs,
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
  };
  const task = new Task(subtopology, 0, env);
  const said: OnlineWrite[] = [];
  await task.start();
  // Every input is known to be at its end, so that none waits for another.
  for (const { topic, position } of task.queues)
    task.take(topic, { topic, partition: 0, records: [], nextOffset: position, endOffset: position });

  const fetch = (topic: string, batch: RecordBatch) => {
    task.take(topic, batch);
    task.run(Number.POSITIVE_INFINITY);
    task.advanceTime();
  };
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
    fetch(topic, { topic, partition: 0, records, nextOffset: end, endOffset: end });
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
    fetch,
    async commit() {
      const prepared = task.prepareCommit();
      said.push(...prepared.online.writes);
      await task.commit(prepared);
      return new Map([...prepared.facts, ...prepared.results]);
    },
    online: () => {
      said.push(...task.takeOnline().writes);
      return new Map(said.splice(0).map((write) => [write.key, write.value]));
    },
    events: (topic) => kafka.recordsOf(topic).map((record) => decodeEvent(record.value)),
    restart: () => driveTask(subtopology, { ...options, nowMs, kafka, offsets }),
  };
}
