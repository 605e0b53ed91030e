import type { Row } from '../../../platform/clickhouse/port.ts';
import type { MillraceError } from '../../../platform/errors.ts';
import type { MillraceEvent, TopicEvents } from '../../../schemas/generated/events.ts';
import { encodeEvent } from '../../../schemas/wire-format.ts';
import { events, type Codec } from '../codec.ts';
import type { Topology } from '../dsl/index.ts';
import type { JobDescription } from '../evidence/evidence.ts';
import { ApplicationTopics } from '../run/application-topics.ts';
import { isTaskRestart, Task, type PreparedCommit } from '../task/task.ts';
import type { TaskEnvironment } from '../task/task-environment.ts';
import { memoryKafka, type MemoryKafka, type StoredRecord } from './memory-kafka.ts';

export interface TopologyDriverOptions {
  /** Where the virtual clock begins, epoch ms. */
  readonly startMs: number;
  /** Of each topic from outside; 1 where absent. */
  readonly partitions?: number;
  /** 0 where absent. */
  readonly outOfOrderMs?: number;
  /** 5 s where absent. */
  readonly idleTimeoutMs?: number;
  /** Has decisions recorded that can be explained. */
  readonly job?: JobDescription;
  /** Topics from outside that do not exist. */
  readonly missing?: readonly string[];
}

export interface Sent {
  readonly key: string | null;
  /** Of the log: the clock where absent. */
  readonly ingestTimeMs?: number;
  readonly partition?: number;
}

/** A record of a topic, decoded. */
export interface ReadRecord<V> {
  readonly key: string | null;
  readonly value: V | null;
  readonly partition: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Runs a topology without Kafka and without waiting: all tasks of all partitions over a log in memory, with a clock that
 * the test moves. What is sent is processed and committed before the call returns, through every repartition topic.
 */
export interface TopologyDriver {
  readonly kafka: MemoryKafka;
  /** Sends events under the key that `keyOf` names. */
  events<T extends keyof TopicEvents>(
    topic: T,
    sent: readonly TopicEvents[T][],
    keyOf: (event: TopicEvents[T]) => string,
  ): Promise<void>;
  /** Sends a value of any topic. */
  send<V>(topic: string, value: V | null, to: Sent & { readonly codec: Codec<V> }): Promise<void>;
  /** Sends bytes as they are. */
  sendBytes(topic: string, value: Buffer | null, to: Sent): Promise<void>;
  /** Moves the clock; what is due by it happens in between. */
  advanceClock(ms: number): Promise<void>;
  now(): number;
  /** What was written to a topic since the last call, without the watermarks that it carries. */
  read<V>(topic: string, codec: Codec<V>): readonly ReadRecord<V>[];
  readEvents(topic: string): readonly MillraceEvent[];
  /** Every row that was written to a table, in order. */
  rows(table: string): readonly Row[];
  /** Names of the tables that rows were written to. */
  tables(): readonly string[];
  /** What a reader of the online store finds. */
  online(key: string): string | undefined;
  /** Everything that a reader of the online store can find. */
  onlineValues(): ReadonlyMap<string, string>;
  task(subtopology: string, partition?: number): Task;
  /** Ends all tasks as a crash would and starts them from what was committed. */
  restart(topology?: Topology): Promise<void>;
}

/** So many steps divide a move of the clock, so that timers do not all fire at its end. */
const CLOCK_STEPS = 20;

export async function driveTopology(
  topology: Topology,
  options: TopologyDriverOptions,
): Promise<TopologyDriver> {
  const run = new TopologyRun(topology, options);
  await run.start();
  return run;
}

class TopologyRun implements TopologyDriver {
  readonly kafka: MemoryKafka;
  readonly #options: TopologyDriverOptions;
  readonly #rows = new Map<string, Row[]>();
  readonly #online = new Map<string, { version: number; value: string | null }>();
  readonly #readUpTo = new Map<string, number>();
  #topology: Topology;
  #tasks: Task[] = [];
  #nowMs: number;
  #ids = 0;

  constructor(topology: Topology, options: TopologyDriverOptions) {
    this.#topology = topology;
    this.#options = options;
    this.#nowMs = options.startMs;
    this.kafka = memoryKafka(options.partitions ?? 1);
  }

  async start(): Promise<void> {
    const { missing = [], partitions = 1 } = this.#options;
    if (missing.length > 0)
      await this.kafka.admin.ensureTopics(missing.map((topic) => ({ topic, partitions: 0 })));
    this.kafka.defaultPartitions = partitions;
    const topics = new ApplicationTopics(this.#topology.subtopologies, '');
    await topics.prepare(this.kafka);
    const env = this.#environment(topics);
    this.#tasks = this.#topology.subtopologies.flatMap((subtopology) =>
      Array.from({ length: topics.tasksOf(subtopology) }, (_, p) => new Task(subtopology, p, env)),
    );
    for (const task of this.#tasks) await task.start();
    await this.#settle();
  }

  async events<T extends keyof TopicEvents>(
    topic: T,
    sent: readonly TopicEvents[T][],
    keyOf: (event: TopicEvents[T]) => string,
  ): Promise<void> {
    for (const event of sent) {
      const value = encodeEvent(event);
      this.#append(topic, value, { key: keyOf(event), ingestTimeMs: event.ingestTime });
    }
    await this.#settle();
  }

  async send<V>(topic: string, value: V | null, to: Sent & { readonly codec: Codec<V> }): Promise<void> {
    await this.sendBytes(topic, value === null ? null : to.codec.encode(value), to);
  }

  async sendBytes(topic: string, value: Buffer | null, to: Sent): Promise<void> {
    this.#append(topic, value, to);
    await this.#settle();
  }

  async advanceClock(ms: number): Promise<void> {
    const { idleTimeoutMs = DEFAULT_IDLE_MS } = this.#options;
    const endMs = this.#nowMs + ms;
    // First to where silence begins to count; the clock moves time on from there.
    for (const toMs of [Math.min(endMs, this.#nowMs + idleTimeoutMs), endMs]) {
      const stepMs = Math.max(1, Math.ceil((toMs - this.#nowMs) / CLOCK_STEPS));
      while (this.#nowMs < toMs) {
        this.#nowMs = Math.min(toMs, this.#nowMs + stepMs);
        await this.#settle();
      }
    }
  }

  now(): number {
    return this.#nowMs;
  }

  read<V>(topic: string, codec: Codec<V>): readonly ReadRecord<V>[] {
    return this.#unread(topic).map(({ key, value, partition, headers }) => ({
      key: key?.toString() ?? null,
      value: value === null ? null : codec.decode(value),
      partition,
      headers,
    }));
  }

  readEvents(topic: string): readonly MillraceEvent[] {
    return this.#unread(topic).map(({ value }) => events.decode(value as Buffer));
  }

  rows(table: string): readonly Row[] {
    return this.#rows.get(table) ?? [];
  }

  tables(): readonly string[] {
    return [...this.#rows.keys()].sort();
  }

  onlineValues(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#online].flatMap(([key, { value }]) => (value === null ? [] : [[key, value] as const])),
    );
  }

  online(key: string): string | undefined {
    return this.#online.get(key)?.value ?? undefined;
  }

  task(subtopology: string, partition = 0): Task {
    const found = this.#tasks.find(
      (task) => task.subtopology.name === subtopology && task.partition === partition,
    );
    if (found === undefined)
      throw new Error(
        `no task ${subtopology}-${partition}; there are ${this.#tasks.map(({ id }) => id).join(', ')}`,
      );
    return found;
  }

  async restart(topology: Topology = this.#topology): Promise<void> {
    this.#topology = topology;
    for (const task of this.#tasks) await task.close();
    await this.start();
  }

  #unread(topic: string): readonly StoredRecord[] {
    const all = this.kafka.recordsOf(topic);
    const from = this.#readUpTo.get(topic) ?? 0;
    this.#readUpTo.set(topic, all.length);
    return all.slice(from).filter(({ headers }) => headers['mr-watermark'] === undefined);
  }

  #append(topic: string, value: Buffer | null, { key, ingestTimeMs = this.#nowMs, partition }: Sent): void {
    const place = partition === undefined ? {} : { partition };
    this.kafka.append({ topic, key, value, timestampMs: ingestTimeMs, ...place });
  }

  #environment(topics: ApplicationTopics): TaskEnvironment {
    const { outOfOrderMs = 0, idleTimeoutMs = DEFAULT_IDLE_MS } = this.#options;
    return {
      kafka: this.kafka,
      groupId: 'driver',
      watermark: { outOfOrderMs, idleTimeoutMs },
      topicName: topics.nameOf,
      changelogName: topics.changelogOf,
      upstreamOf: topics.upstreamOf,
      partitionsOf: topics.partitionsOf,
      ...(this.#options.job === undefined ? {} : { job: this.#options.job }),
      now: () => this.#nowMs,
      newId: () => `00000000-0000-7000-8000-${String(++this.#ids).padStart(12, '0')}`,
    };
  }

  /** Reads, processes and commits until no task has anything left to do. */
  async #settle(): Promise<void> {
    for (let moved = true; moved; ) {
      moved = false;
      for (const task of this.#tasks) {
        if (this.#fetch(task)) moved = true;
        task.run(Number.POSITIVE_INFINITY);
        if (task.failure === undefined) task.advanceTime();
        if (task.failure !== undefined) await this.#replace(task);
        if (await this.#commit(task)) moved = true;
      }
    }
  }

  #fetch(task: Task): boolean {
    let moved = false;
    for (const { topic, fetchPosition } of task.queues) {
      const batch = this.kafka.fetch({ topic, partition: task.partition }, fetchPosition);
      moved ||= batch.records.length > 0;
      task.take(topic, batch);
    }
    return moved;
  }

  async #commit(task: Task): Promise<boolean> {
    const current = this.#tasks.find(({ id }) => id === task.id);
    if (current !== task || !task.hasWork) return current !== task;
    const prepared = this.#prepare(task);
    if (prepared === undefined) {
      await this.#replace(task);
      return true;
    }
    for (const { key, value, version } of prepared.online.writes) {
      if ((this.#online.get(key)?.version ?? -1) < version) this.#online.set(key, { version, value });
    }
    for (const [table, rows] of [...prepared.facts, ...prepared.results])
      this.#rows.set(table, [...(this.#rows.get(table) ?? []), ...rows]);
    await task.commit(prepared);
    return true;
  }

  #prepare(task: Task): PreparedCommit | undefined {
    try {
      return task.prepareCommit();
    } catch (error) {
      if (!isTaskRestart(error)) throw error;
      return undefined;
    }
  }

  /** What the runner does with a task that failed in a way that is part of normal life. */
  async #replace(task: Task): Promise<void> {
    if (!isTaskRestart(task.failure)) throw task.failure as MillraceError;
    const topics = new ApplicationTopics(this.#topology.subtopologies, '');
    await topics.prepare(this.kafka);
    await task.close();
    const next = new Task(task.subtopology, task.partition, this.#environment(topics), task.faults);
    await next.start();
    this.#tasks = this.#tasks.map((other) => (other === task ? next : other));
  }
}

const DEFAULT_IDLE_MS = 5000;
