import { errorText, hasCode, MillraceError } from '../../../platform/errors.ts';
import type {
  GroupConsumer,
  Kafka,
  RecordBatch,
  TopicPartition,
  TopicPartitionOffset,
} from '../../../platform/kafka/port.ts';
import type { Logger } from '../../../platform/log.ts';
import type { OnlineStore } from '../../../platform/online-store/port.ts';
import { systemScheduler, type Scheduler } from '../../../platform/scheduler.ts';
import type { StateMemory } from '../state/state-memory.ts';
import type { RestoreProgress } from '../state/task-state.ts';
import { Alignment } from './alignment.ts';
import { ApplicationTopics } from './application-topics.ts';
import { assignTasks } from './assignor.ts';
import { Committer, type CommitterOptions } from '../task/committer.ts';
import { OnlineSink, type RowWriter } from '../task/sinks.ts';
import type { Task } from '../task/task.ts';
import type { JobDescription } from '../evidence/evidence.ts';
import type { StepWatch, StuckRecord } from '../task/step-watch.ts';
import { TaskSet, type Delivery } from '../task/task-set.ts';
import type { Subtopology } from '../topology.ts';
import type { WatermarkOptions } from '../time/watermark.ts';

/** How often an event counts after failures: once, or once or more. */
export type Guarantee = 'exactly-once' | 'at-least-once';

export interface RunnerOptions {
  readonly subtopologies: readonly Subtopology[];
  readonly groupId: string;
  readonly namespace: string;
  readonly kafka: Kafka;
  readonly rows: RowWriter;
  readonly store: OnlineStore;
  readonly watermark: WatermarkOptions;
  readonly commitIntervalMs: number;
  readonly onlineFlushIntervalMs: number;
  /** Rows and records that may wait for a commit before reading stops; 50,000 where absent. */
  readonly maxPending?: number;
  readonly now: () => number;
  readonly newId: () => string;
  /** What evidence says of this program; decisions that can be explained are recorded only where it is given. */
  readonly job?: JobDescription;
  /** Exactly once where absent. */
  readonly guarantee?: Guarantee;
  /** Waits and turns of the loop; the system's where absent. */
  readonly scheduler?: Scheduler;
  /** Longest wait for records before the loop looks at the clock; 20 ms where absent. */
  readonly pollMs?: number;
  readonly log: Logger;
  readonly onCommit?: CommitterOptions['onCommit'];
  /** Told of each task that starts again. */
  readonly onRestart?: (code: string) => void;
  /** Bound of the memory that state may take; unbounded where absent. */
  readonly memory?: StateMemory;
  /**
   * Whether each task's state is kept by a second member too, which can take it over at once. Has an effect with two
   * members or more.
   */
  readonly withStandbys?: boolean;
  /** Told where steps are, and which records they did not return from before this start. */
  readonly watch?: StepWatch;
  readonly stuck?: readonly StuckRecord[];
  /** Told how far the state of a task has come back. */
  readonly onRestore?: (taskId: string, progress: RestoreProgress) => void;
}

const POLL_MS = 20;
const RESTART_DELAY_MS = 500;
const MAX_RESTART_DELAY_MS = 10_000;
/** Lag from which on the online store is written with the commits only. */
const FAR_BEHIND_RECORDS = 20_000;
const DEFAULT_MAX_PENDING = 50_000;
const MAX_BATCH_RECORDS = 2000;
/** Records of one input that may wait for the others of their task before its partition is paused. */
const MAX_WAITING = 4 * MAX_BATCH_RECORDS;
/** Processing lets timers, sockets and servers of this process have their turn after so long. */
const SLICE_MS = 20;
const HEALTHY_MS = 30_000;
/** How far a standby may be behind its task. */
const FOLLOW_INTERVAL_MS = 500;

/**
 * Runs sub-topologies: one loop reads, processes and commits, and nothing else changes a task. A commit waits for the
 * sinks (ClickHouse, online store) and then moves outputs, changelog and offsets in one Kafka transaction for each
 * task; the loop goes on with the next records meanwhile, one commit at most being on its way. The first unexpected
 * error ends the runner: `done` rejects, and the records are read again at the next start.
 */
export class StreamRunner {
  readonly online: OnlineSink;
  readonly #options: RunnerOptions;
  readonly #topics: ApplicationTopics;
  /** Partitions that are paused because the others of their tasks have to catch up. */
  #paused: ReadonlyMap<string, TopicPartition> = new Map();
  readonly #maxPending: number;
  readonly #scheduler: Scheduler;
  readonly #alignment: Alignment | undefined;
  readonly #consumer: GroupConsumer;
  readonly #taskSet: TaskSet;
  readonly #committer: Committer;
  readonly #stopping = new AbortController();
  #committing: Promise<void> | undefined;
  #flushing: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  #following: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #lastCommitAtMs = 0;
  #lastFlushAtMs = 0;
  #lastFollowAtMs = 0;
  #lastTickMs = 0;
  #readingPaused = false;
  #restartDelayMs = RESTART_DELAY_MS;
  #done: Promise<void> = Promise.resolve();

  constructor(options: RunnerOptions) {
    const { subtopologies, namespace, kafka, groupId, rows, log, onCommit } = options;
    const topics = new ApplicationTopics(subtopologies, namespace);
    this.#topics = topics;
    this.#options = options;
    this.#scheduler = options.scheduler ?? systemScheduler;
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING;
    const { maxDriftMs } = options.watermark;
    this.#alignment = maxDriftMs === undefined ? undefined : new Alignment(maxDriftMs);
    const { store, now } = options;
    this.online = new OnlineSink({ store, now, log, scheduler: this.#scheduler });
    this.#committer = new Committer({
      rows,
      online: this.online,
      signal: this.#stopping.signal,
      scheduler: this.#scheduler,
      log,
      ...(onCommit ? { onCommit } : {}),
    });
    this.#taskSet = new TaskSet({
      subtopologies,
      env: {
        kafka,
        groupId,
        watermark: options.watermark,
        topicName: topics.nameOf,
        changelogName: topics.changelogOf,
        upstreamOf: topics.upstreamOf,
        partitionsOf: topics.partitionsOf,
        now: options.now,
        newId: options.newId,
        ...(options.guarantee === 'at-least-once'
          ? { commitOffsets: (offsets: readonly TopicPartitionOffset[]) => this.#consumer.commit(offsets) }
          : {}),
        scheduler: this.#scheduler,
        ...(options.job === undefined ? {} : { job: options.job }),
        ...(options.watch === undefined ? {} : { watch: options.watch }),
        ...(options.memory === undefined ? {} : { memory: options.memory }),
        ...(options.onRestore === undefined ? {} : { onRestore: options.onRestore }),
      },
      stuck: options.stuck ?? [],
      withStandbys: options.withStandbys ?? false,
      onStandbyFailed: (task, error) =>
        log.warn(
          { task, error: errorText(error) },
          'a standby was given up; its task would start from its changelog',
        ),
      seek: (position) => this.#consumer.seek(position),
      onGone: (task) => this.online.forget(task),
      onRestart: ({ failure }) =>
        options.onRestart?.(failure instanceof MillraceError ? failure.code : 'MR_INTERNAL'),
    });
    this.#consumer = kafka.groupConsumer({
      groupId,
      topics: this.#taskSet.topics,
      assign: assignTasks(
        subtopologies,
        topics.nameOf,
        options.withStandbys === true ? { changelogName: topics.changelogOf } : undefined,
      ),
      maxBatchRecords: MAX_BATCH_RECORDS,
    });
  }

  /** Tasks that this process owns now. */
  get tasks(): readonly Task[] {
    return this.#taskSet.tasks;
  }

  /** Ids of the tasks of other members whose state is kept here too. */
  get standbys(): readonly string[] {
    return this.#taskSet.standbys;
  }

  get commits(): number {
    return this.#committer.commits;
  }

  /** Whether the loop moved within the last half minute. */
  get isAlive(): boolean {
    return this.#failure === undefined && this.#options.now() - this.#lastTickMs < HEALTHY_MS;
  }

  /** Settles when the runner ends: rejects with the error that ended it. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** The longest commit since the last call. */
  takeCommitSample(): { readonly maxMs: number } {
    return { maxMs: this.#committer.takeLongestMs() };
  }

  /** Checks and creates the changelog topics, joins the group and starts the loop. */
  async start(): Promise<void> {
    await this.#topics.prepare(this.#options.kafka);
    this.#lastTickMs = this.#options.now();
    await this.#consumer.start({
      onAssigned: (partitions) => this.#assigned(partitions),
      onRevoked: () => this.#commitBeforeRevocation(),
    });
    this.#done = this.#loop();
    // Whoever waits for `done` sees the error; without this, nobody waiting yet would end the process at once.
    this.#done.catch(() => undefined);
  }

  /** Commits what was read, leaves the group and closes the tasks. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done.catch(() => undefined); // `done` tells its own readers
    await this.#consumer.close();
    await this.#taskSet.close();
  }

  async #loop(): Promise<void> {
    try {
      while (!this.#isStopping) await this.#tick();
      await this.#finish();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  async #tick(): Promise<void> {
    this.#lastTickMs = this.#options.now();
    this.#rethrow();
    this.#maybeRestart();
    this.#maybeFollow();
    await this.#process(await this.#poll());
    for (const task of this.tasks) if (task.failure === undefined) task.advanceTime();
    this.#maybeFlush();
    this.#maybeCommit();
    await this.#untilRoom();
  }

  async #poll(): Promise<readonly Delivery[]> {
    if (this.#readingPaused) {
      // Each partition tells anew whether it is at its end; what it told before may be out of date.
      this.#readingPaused = false;
      for (const task of this.tasks) task.readingPaused();
      this.#taskSet.seekAll();
    }
    const readers = new Set(this.tasks);
    try {
      return this.#deliveries(await this.#consumer.poll(this.#options.pollMs ?? POLL_MS), readers);
    } catch (error) {
      if (!hasCode(error, 'MR_KAFKA_UNAVAILABLE')) throw error;
      this.#options.log.warn(
        { error: errorText(error) },
        'Kafka does not answer; reading goes on when it does',
      );
      this.#readingPaused = true;
      await this.#wait(RESTART_DELAY_MS);
      return [];
    }
  }

  /**
   * What a poll brought for the tasks that were there when it began. A batch for a task that came meanwhile may be from
   * before its first seek, with a gap to where it has to start: it is fetched again.
   */
  #deliveries(batches: readonly RecordBatch[], readers: ReadonlySet<Task>): Delivery[] {
    const deliveries: Delivery[] = [];
    for (const batch of batches) {
      const delivery = this.#taskSet.deliveryOf(batch);
      if (delivery === undefined) continue;
      if (readers.has(delivery.task)) deliveries.push(delivery);
      else this.#taskSet.seek(delivery.task);
    }
    return deliveries;
  }

  async #process(deliveries: readonly Delivery[]): Promise<void> {
    for (const { task, topic, batch } of deliveries) task.take(topic, batch);
    let sliceStartMs = this.#scheduler.elapsedMs();
    for (let more = true; more; ) {
      more = false;
      const limits = this.#alignment?.limits(this.tasks);
      for (const task of this.tasks) {
        // While others had their turn, the task may have been replaced by one that reads from elsewhere.
        if (task.failure !== undefined || !this.tasks.includes(task)) continue;
        more = task.run(SLICE_MS, limits?.get(task)) || more;
        if (this.#scheduler.elapsedMs() - sliceStartMs < SLICE_MS) continue;
        this.#maybeFlush();
        this.#maybeCommit();
        await this.#untilRoom();
        await this.#scheduler.yieldToOthers();
        if (this.#isStopping) return;
        this.#lastTickMs = this.#options.now();
        sliceStartMs = this.#scheduler.elapsedMs();
      }
    }
    this.#pauseWaiting();
  }

  /** An input that is far ahead of the others of its task is not fetched until they have caught up. */
  #pauseWaiting(): void {
    const wanted = new Map<string, TopicPartition>();
    for (const { queues, partition } of this.tasks) {
      for (const queue of queues) {
        const topic = this.#topics.nameOf(queue.topic);
        const key = `${topic}/${partition}`;
        const limit = this.#paused.has(key) ? MAX_WAITING / 2 : MAX_WAITING;
        if (queue.waiting >= limit) wanted.set(key, { topic, partition });
      }
    }
    // All of them each time: an assignment starts every partition anew.
    if (wanted.size > 0) this.#consumer.pause([...wanted.values()]);
    const ready = [...this.#paused].filter(([key]) => !wanted.has(key));
    if (ready.length > 0) this.#consumer.resume(ready.map(([, place]) => place));
    this.#paused = wanted;
  }

  #maybeFlush(): void {
    const nowMs = this.#options.now();
    this.online.maybeVerify(this.tasks);
    if (this.#flushing !== undefined || nowMs - this.#lastFlushAtMs < this.#options.onlineFlushIntervalMs)
      return;
    this.#lastFlushAtMs = nowMs;
    // Far behind, nothing written is fresh; the flush of the commit writes each key once instead of many times.
    if (this.#lagRecords > FAR_BEHIND_RECORDS) return;
    const tasks = this.tasks.filter((task) => this.online.hasWork(task));
    if (tasks.length === 0) return;
    this.#flushing = this.online
      .flush(tasks)
      .catch((error: unknown) => {
        // The commit repeats the flush until it succeeds; here an outage only costs freshness.
        if (!(error instanceof MillraceError) || !error.retryable) this.#failure ??= { error };
      })
      .finally(() => {
        this.#flushing = undefined;
      });
  }

  get #lagRecords(): number {
    let records = 0;
    for (const task of this.tasks) records += task.lagRecords;
    return records;
  }

  get #isFull(): boolean {
    let pending = 0;
    for (const task of this.tasks) pending += task.pending;
    return pending >= this.#maxPending;
  }

  #isBlocked(): boolean {
    return this.#committing !== undefined && this.#isFull;
  }

  #maybeCommit(): void {
    if (this.#committing !== undefined) return;
    const nowMs = this.#options.now();
    if (nowMs - this.#lastCommitAtMs < this.#options.commitIntervalMs && !this.#isFull) return;
    this.#lastCommitAtMs = nowMs;
    this.#committing = this.#commit().finally(() => {
      this.#committing = undefined;
    });
  }

  /** Commits all tasks; an error that ends the runner is kept in `#failure`. */
  async #commit(): Promise<void> {
    try {
      await this.#committer.commit(() => (this.#failure === undefined ? this.tasks : []));
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** Back-pressure: with a commit on its way and enough waiting for the next, reading stops until the sinks follow. */
  async #untilRoom(): Promise<void> {
    if (!this.#isBlocked()) return;
    const startMs = this.#options.now();
    await this.#scheduler.yieldToOthers(); // a commit that has just begun takes what waits
    while (this.#isBlocked() && !this.#isStopping) {
      await this.#committingFor(1000);
      this.#lastTickMs = this.#options.now();
    }
    this.#rethrow();
    if (this.#options.now() - startMs >= this.#options.watermark.idleTimeoutMs) this.#readingPaused = true;
  }

  /** Failed tasks start again beside the others; what goes on failing does so ever more slowly. */
  #maybeRestart(): void {
    if (this.#restarting !== undefined || !this.#taskSet.hasFailed) return;
    this.#restarting = this.#restart().finally(() => {
      this.#restarting = undefined;
    });
  }

  #maybeFollow(): void {
    const nowMs = this.#options.now();
    if (this.#following !== undefined || nowMs - this.#lastFollowAtMs < FOLLOW_INTERVAL_MS) return;
    this.#lastFollowAtMs = nowMs;
    this.#following = this.#taskSet.follow().finally(() => {
      this.#following = undefined;
    });
  }

  async #restart(): Promise<void> {
    try {
      const isPromising = await this.#taskSet.restartFailed();
      this.#restartDelayMs = isPromising
        ? RESTART_DELAY_MS
        : Math.min(2 * this.#restartDelayMs, MAX_RESTART_DELAY_MS);
      await this.#wait(this.#restartDelayMs);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #assigned(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#taskSet.assign(partitions);
    this.#options.log.info({ tasks: this.tasks.length }, 'tasks assigned');
  }

  async #commitBeforeRevocation(): Promise<void> {
    await this.#commit();
  }

  async #finish(): Promise<void> {
    this.#rethrow();
    await this.#commit();
    this.#rethrow();
  }

  async #committingFor(ms: number): Promise<void> {
    const waited = new AbortController();
    await Promise.race([this.#committing, this.#scheduler.sleep(ms, waited.signal)]);
    waited.abort();
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #wait(ms: number): Promise<void> {
    await this.#scheduler.sleep(ms, this.#stopping.signal);
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
