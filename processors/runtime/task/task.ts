import { hasCode, MillraceError } from '../../../platform/errors.ts';
import type {
  RecordBatch,
  Transaction,
  TransactionalId,
  TransactionalProducer,
} from '../../../platform/kafka/port.ts';
import { systemScheduler } from '../../../platform/scheduler.ts';
import { StepRecorder } from '../evidence/step-recorder.ts';
import { OnlineViews, type OnlineWrite, type WriteTimes } from '../online/online-views.ts';
import { readWriteTimes } from '../online/write-times.ts';
import type { TableRows } from '../state/outbox.ts';
import { TaskState } from '../state/task-state.ts';
import type { StepResult } from '../step-result.ts';
import type { Outcome } from '../audit/task-account.ts';
import type { Processor, Subtopology, TaskContext, TimedAct } from '../topology.ts';
import type { TimeStatus, WatermarkMark } from '../time/marks.ts';
import type { TimeScope } from '../time/time-scope.ts';
import { WatermarkTracker } from '../time/watermark.ts';
import type { RawRecord } from './dead-letter.ts';
import { InputMerge } from './input-merge.ts';
import { InputQueue, type Head } from './input-queue.ts';
import { Outcomes, type TaskCounters } from './outcomes.ts';
import type { Refusal } from './refusals.ts';
import { isEvents, readHead } from './read-head.ts';
import { isIdentified } from './read-identity.ts';
import { plainCommits } from './plain-commits.ts';
import { recordFault } from './record-fault.ts';
import { StepGuard, type StepFaults } from './step-guard.ts';
import type { TaskEnvironment } from './task-environment.ts';
import { commitSparing } from './sparing-commit.ts';
import { TaskOutputs, type Causes, type OnlineNotice } from './task-outputs.ts';
import { WatermarkSender, type TimedOutput } from './watermark-sender.ts';

/** Versions (taskEpoch · 2^40 + emission) stay safe integers below it. */
const MAX_EPOCHS = 2 ** 13;
/** Records between two looks at the time. */
const RECORDS_A_LOOK = 32;

const OUTCOME_OF = {
  ok: 'ok',
  drop: 'dropped',
  late: 'late',
  'dead-letter': 'dead-letter',
  redirect: 'redirected',
} as const satisfies Record<StepResult['kind'], Outcome>;

/** What goes to the online store. */
export interface OnlineOutputs {
  readonly writes: readonly OnlineWrite[];
  readonly notices: readonly OnlineNotice[];
}

/**
 * One commit on its way: facts and online writes first, which are the same when they are said again; the transaction after
 * the sinks have acknowledged them; then the results, which are kept in the transaction until the next one.
 */
export interface PreparedCommit {
  readonly facts: TableRows;
  readonly results: TableRows;
  readonly online: OnlineOutputs;
  /** Version of the newest write to the online store that the commit stands for. */
  readonly onlineVersion: number;
  readonly transaction: Transaction;
  readonly causes: Causes;
}

/** Id of a task, as its peers and its metrics name it. */
export function taskId(subtopology: string, partition: number): string {
  return `${subtopology}-${partition}`;
}

/** The transactional id of a task: whoever takes it over fences the task. */
export function taskTransactionalId(
  groupId: string,
  subtopology: string,
  partition: number,
): TransactionalId {
  return { transactionalId: `${groupId}|${subtopology}|${partition}`, groupId };
}

/**
 * One task: a partition of all inputs of a sub-topology, its state and its transactional id
 * (`group|subtopology|partition`). Mutated only by the runner's loop.
 */
export class Task {
  readonly id: string;
  readonly subtopology: Subtopology;
  readonly partition: number;
  readonly outputs: TaskOutputs;
  /** What the task has in the online store. */
  readonly online: OnlineViews;
  /** Results of the last commit before the start, until the next one: they may not be in their tables, and must be by then. */
  owedRows: TableRows = new Map();
  /** Version of the newest write to the online store that the last commit stands for. */
  committedOnlineVersion = 0;
  /** Set when a step or a commit failed: nothing it holds may be used, only its last committed state. */
  failure: unknown;
  /** Started, and then failed before anything that it read was committed: starting again may not help. */
  isFruitless = false;

  readonly #env: TaskEnvironment;
  readonly #state: TaskState;
  readonly #producer: TransactionalProducer;
  readonly #processor: Processor;
  readonly #guard: StepGuard;
  readonly #outcomes: Outcomes;
  readonly #sender: WatermarkSender;
  readonly #recorder: StepRecorder | undefined;
  readonly #uuid = new Uint32Array(4);
  #inputs = new InputMerge([]);
  readonly #watermark: WatermarkTracker;
  #progressed = false;
  readonly #refusals: Refusal[] = [];
  /** Set while a commit was prepared and its transaction has not ended. */
  #committing: { readonly ended: Promise<void>; readonly end: () => void } | undefined;

  constructor(subtopology: Subtopology, partition: number, env: TaskEnvironment, faults?: StepFaults) {
    this.subtopology = subtopology;
    this.partition = partition;
    this.id = taskId(subtopology.name, partition);
    this.#env = env;
    this.#state = new TaskState({
      taskId: this.id,
      ...(env.memory === undefined ? {} : { memory: env.memory }),
      ...(subtopology.retired === undefined ? {} : { retired: subtopology.retired }),
    });
    const { undo } = this.#state;
    this.outputs = new TaskOutputs({ partition, topicName: env.topicName, now: env.now, undo });
    this.online = new OnlineViews(this.id, () => this.outputs.nextVersion());
    this.#outcomes = new Outcomes({
      ...{
        subtopology: subtopology.name,
        partition,
        outputs: this.outputs,
        topicName: env.topicName,
        now: env.now,
      },
      firstInput: subtopology.inputs[0]?.topic ?? subtopology.name,
      watermarkMs: () => this.watermarkMs,
    });
    const transactional = taskTransactionalId(env.groupId, subtopology.name, partition);
    const { commitOffsets } = env;
    this.#producer =
      commitOffsets === undefined
        ? env.kafka.transactionalProducer(transactional)
        : plainCommits({
            ...{ kafka: env.kafka, id: transactional, commitOffsets, now: env.now },
            changelog: this.changelog,
          });
    const inputs = subtopology.inputs.map(({ topic }) => ({ topic, upstream: env.upstreamOf(topic) }));
    this.#watermark = new WatermarkTracker(inputs, env.watermark, env.now());
    this.#sender = new WatermarkSender(this.#timedOutputs(), env);
    this.#recorder = this.#recorderOf(subtopology);
    this.#processor = subtopology.create(this.#contextIn(this.#watermark.whole, false));
    this.#guard = new StepGuard({
      step: subtopology.name,
      process: (record) => this.#processor.process(record),
      undo,
      canRollBack: this.#processor.holdsMore !== true,
      ...(faults === undefined ? {} : { faults }),
    });
  }

  get changelog(): { readonly topic: string; readonly partition: number } {
    return { topic: this.#env.changelogName(this.subtopology.name), partition: this.partition };
  }

  /** What it has done since it started, by outcome. */
  get counters(): TaskCounters {
    return this.#outcomes.counters;
  }

  get watermarkMs(): number {
    return this.#watermark.watermarkMs;
  }

  /** Whether every input was read to its end and has been silent. */
  get isIdle(): boolean {
    return this.#watermark.whole.isIdle;
  }

  /** When the next record happened that could be processed now; -Infinity where there is none, or it has no time. */
  get nextEventTimeMs(): number {
    return this.#inputs.nextEventTimeMs;
  }

  /** What the tasks that write its inputs have said of their time. */
  readonly upstreamMarks = (): Iterable<WatermarkMark> => this.#watermark.marks();

  get state(): TaskState {
    return this.#state;
  }

  /** Next offset to process by contract topic. */
  get positions(): ReadonlyMap<string, number> {
    return new Map(this.#inputs.queues.map(({ topic, position }) => [topic, position]));
  }

  /** What was fetched and waits to be processed, by contract topic. */
  get queues(): readonly InputQueue[] {
    return this.#inputs.queues;
  }

  /** Records behind the end of the log, over all inputs, as of the last fetches. */
  get lagRecords(): number {
    return this.#inputs.lagRecords;
  }

  /** Records of an input that were processed since the task started. */
  readOf(topic: string): number {
    return this.#inputs.of(topic)?.read ?? 0;
  }

  /** Rows, records and changed entries of the state that wait for a commit. */
  get pending(): number {
    return this.outputs.pending + this.#state.changes;
  }

  /** Whether there is anything that a commit would make durable. */
  get hasWork(): boolean {
    if (this.#progressed || this.pending > 0 || this.online.wantsCommit) return true;
    if (this.owedRows.size > 0 || this.#refusals.length > 0) return true;
    return this.#sender.isDue(this.#env.now());
  }

  /** Keeps what a table refused of the results of the last commit: the next one puts it aside. */
  putAside(refusals: readonly Refusal[]): void {
    this.#refusals.push(...refusals);
  }

  /** What was kept by {@link putAside} since the last call. */
  takeRefusals(): readonly Refusal[] {
    return this.#refusals.splice(0);
  }

  /** How far a standby has followed: it reads what the task's owner has committed since its last call. */
  async follow(): Promise<void> {
    await this.#state.restore(this.#env.kafka, this.changelog, {});
  }

  /**
   * Fences older holders, restores the state, raises the epoch and finds the positions. Fencing comes before reading
   * offsets: an older holder's transaction that is still open would move them afterwards.
   */
  async start(): Promise<void> {
    const { kafka, onRestore, now } = this.#env;
    await this.#producer.init();
    await this.#state.restore(kafka, this.changelog, {
      onProgress: (progress) => onRestore?.(this.id, progress),
    });
    this.#watermark.restore(this.#state.meta, now());
    this.#state.ready();
    this.#state.taskEpoch += 1;
    if (this.#state.taskEpoch >= MAX_EPOCHS)
      throw new MillraceError('MR_INTERNAL', 'a task was started so often that its versions are used up', {
        context: { task: this.id, taskEpoch: this.#state.taskEpoch },
      });
    this.outputs.taskEpoch = this.#state.taskEpoch;
    this.owedRows = this.#state.outbox.owed();
    this.committedOnlineVersion = this.online.newestVersion = this.#state.meta.onlineVersion;
    const queues = this.subtopology.inputs.map(
      async (input) =>
        new InputQueue(input, {
          position: await this.#firstOffset(input.topic),
          isOutside: this.#env.upstreamOf(input.topic).length === 0,
          readHead,
        }),
    );
    this.#inputs = new InputMerge(await Promise.all(queues));
    await this.#producer.commit({ records: this.#takeChanges(now()), offsets: [] });
    this.isFruitless = true;
  }

  /** Takes a fetch of one of its inputs, given by the contract's topic name; {@link run} processes it. */
  take(topic: string, batch: RecordBatch): void {
    const queue = this.#inputs.of(topic);
    if (queue === undefined) return;
    const before = queue.position;
    queue.push(batch);
    if (queue.position > before) this.#progressed = true;
    const fetch = { records: batch.records.length, atEnd: queue.isDrained };
    this.#watermark.fetched(topic, fetch, this.#env.now());
  }

  /**
   * Processes what waits, in the order of event time over its inputs, for about `forMs`. The watermark moves with each
   * record and not with each batch, so that what is late does not depend on how the log was cut into batches.
   * @param untilMs event time of the first record that it stops in front of
   * @returns whether there is more that could be processed now
   */
  run(forMs: number, untilMs = Number.POSITIVE_INFINITY): boolean {
    const { scheduler = systemScheduler } = this.#env;
    const endMs = scheduler.elapsedMs() + forMs;
    try {
      let nowMs = this.#env.now();
      for (let count = 1; ; count++) {
        const queue = this.#inputs.next();
        const head = queue?.head();
        if (queue === undefined || head === undefined) return false;
        if (head.kind === 'value' && head.eventTimeMs > untilMs) return false;
        this.#processHead(queue, head, nowMs);
        if (count % RECORDS_A_LOOK !== 0) continue;
        if (scheduler.elapsedMs() >= endMs) return true;
        nowMs = this.#env.now();
      }
    } catch (error) {
      this.failure = error;
      if (isTaskRestart(error)) return false;
      throw error;
    } finally {
      this.#env.watch?.leave();
    }
  }

  /** Moves the watermark with what was read and with the clock; fires timers and closes windows. */
  advanceTime(): void {
    try {
      const nowMs = this.#env.now();
      this.#moveWatermark(nowMs);
      this.#state.tick(nowMs);
    } catch (error) {
      this.failure = error;
      if (!isTaskRestart(error)) throw error;
    } finally {
      this.#env.watch?.leave();
    }
  }

  /** Reading has paused: until the next fetch no input counts as read to its end. */
  readingPaused(): void {
    this.#watermark.unconfirm();
    for (const queue of this.#inputs.queues) queue.unconfirm();
  }

  /**
   * Takes everything since the last commit. From here on the task works for the next one. Where it throws, the task has
   * failed.
   */
  prepareCommit(): PreparedCommit {
    try {
      this.#state.beforeCommit();
    } catch (error) {
      this.failure = error;
      throw error;
    }
    const nowMs = this.#env.now();
    for (const record of this.#sender.take(nowMs)) this.outputs.produceVital(record);
    const { facts, results, records, causes } = this.outputs.take();
    const { topicName } = this.#env;
    const rows = new Map([...facts, ...results]);
    this.#state.account.said({ rows, records, topicName, version: this.outputs.lastVersion, nowMs });
    this.#state.undo.suspended(() => this.#state.outbox.put(results));
    const online = this.takeOnline();
    this.online.wantsCommit = false;
    // One by one: a spread of a large state would overflow the stack.
    for (const change of this.#takeChanges(nowMs)) records.push(change);
    const offsets = this.#inputs.queues.map(({ topic, position }) => ({
      topic: this.#env.topicName(topic),
      partition: this.partition,
      offset: position,
    }));
    this.#progressed = false;
    this.#committing = turnstile();
    const { newestVersion: onlineVersion } = this.online;
    return { facts, results, causes, online, onlineVersion, transaction: { records, offsets } };
  }

  /** Writes to the online store since the last call or commit, with values and versions of now, and notices. */
  takeOnline(): OnlineOutputs {
    let writes: readonly OnlineWrite[] = [];
    this.#state.undo.suspended(() => (writes = this.online.take(this.#env.now())));
    return { writes, notices: this.outputs.takeNotices() };
  }

  /** When each entry that the online store shows was last written, by what is committed now. */
  onlineWriteTimes(): Promise<WriteTimes> {
    return readWriteTimes(this.#env.kafka, this.changelog, this.online.stores);
  }

  /**
   * The last step of a commit, after the sinks have acknowledged its rows. What they refused, and records that their
   * topics refuse, are put aside in the same transaction.
   */
  async commit(prepared: PreparedCommit, refusals: readonly Refusal[] = []): Promise<void> {
    const { transaction, causes } = prepared;
    try {
      await commitSparing(
        this.#producer,
        { transaction, causes, refusals },
        {
          letterOf: (refusal) => this.#outcomes.refused(refusal),
          amend: (aside) => this.#state.refused(aside, { changelog: this.changelog, ...this.#env }),
        },
      );
      this.isFruitless = false;
      this.committedOnlineVersion = prepared.onlineVersion;
      this.owedRows = new Map();
    } catch (error) {
      this.failure = error;
      throw error;
    } finally {
      this.#endCommit();
    }
  }

  /** What its successor has to know of steps that threw; undefined where none has. */
  get faults(): StepFaults | undefined {
    return this.#guard.faults;
  }

  /** Resolves when no commit is on its way; of a task that failed, when it is closed. */
  async commitEnded(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing.ended;
  }

  async close(): Promise<void> {
    this.#endCommit();
    this.#state.close();
    await this.#producer.close();
  }

  #endCommit(): void {
    this.#committing?.end();
    this.#committing = undefined;
  }

  async #firstOffset(topic: string): Promise<number> {
    const { kafka, groupId, topicName } = this.#env;
    const name = topicName(topic);
    const committed = (await kafka.admin.committed(groupId, name)).find(
      (o) => o.partition === this.partition,
    );
    if (committed !== undefined) return committed.offset;
    const first = (await kafka.admin.offsets(name)).find((o) => o.partition === this.partition);
    return first?.start ?? 0;
  }

  #processHead(queue: InputQueue, head: Head, nowMs: number): void {
    const { topic } = queue;
    const { record } = head;
    const raw: RawRecord = { topic, partition: this.partition, offset: record.offset, record };
    let outcome: Outcome;
    switch (head.kind) {
      case 'mark':
        outcome = 'mark';
        if (this.#watermark.marked(topic, head.mark)) this.#moveWatermark(nowMs);
        break;
      case 'fault':
        outcome = 'dead-letter';
        this.#outcomes.deadLetter(raw, { code: head.code, reason: head.reason, step: 'decode' });
        break;
      case 'value':
        outcome = this.#processValue(queue, raw, head, nowMs);
    }
    // What is no dead letter was parsed before.
    const isParsed = outcome !== 'dead-letter' && head.kind === 'value' && head.value !== null;
    const isIdKnown = isParsed ? isEvents(queue.input) : isIdentified(queue.input, head, this.#uuid);
    this.#state.account.read(topic, record, outcome, isIdKnown ? this.#uuid : undefined);
    queue.shift();
    this.#progressed = true;
    if (queue.waiting === 0) this.#watermark.fetched(topic, { records: 1, atEnd: queue.isDrained }, nowMs);
  }

  #processValue(
    queue: InputQueue,
    raw: RawRecord,
    { value, eventTimeMs }: { readonly value: unknown; readonly eventTimeMs: number },
    nowMs: number,
  ): Outcome {
    const fault = recordFault({
      value,
      eventTimeMs,
      ingestTimeMs: raw.record.timestampMs,
      nowMs,
      isOutside: queue.isOutside,
      isEvent: isEvents(queue.input),
      uuid: this.#uuid,
    });
    if (fault !== undefined) {
      this.#outcomes.deadLetter(raw, { ...fault, step: 'decode' });
      return 'dead-letter';
    }
    const { types } = queue.input;
    if (types !== undefined && value !== null && !types.has((value as { type: string }).type)) {
      this.counters.dropped += 1;
      return 'dropped';
    }
    const isDeduplicated = queue.input.deduplicated === true;
    if (isDeduplicated && this.#state.duplicates.has(this.#uuid)) {
      this.counters.duplicate += 1;
      return 'duplicate';
    }
    this.outputs.begin(queue.topic, raw.offset);
    const result = this.#step(queue.topic, raw, value, eventTimeMs);
    this.#outcomes.carryOut(result, raw);
    this.outputs.end();
    // A dead letter may be sent again, with the same id.
    if (isDeduplicated && result.kind !== 'dead-letter')
      this.#state.duplicates.add(this.#uuid, Math.min(raw.record.timestampMs, nowMs));
    if (this.#watermark.observe(queue.topic, eventTimeMs)) this.#moveWatermark(nowMs);
    return OUTCOME_OF[result.kind];
  }

  #step(topic: string, raw: RawRecord, value: unknown, eventTimeMs: number): StepResult {
    const { offset, partition, record } = raw;
    this.#env.watch?.enter(topic, partition, offset);
    this.#state.setRecordTime(eventTimeMs);
    this.#recorder?.beginRecord({ topic, partition, offset }, record);
    const result = this.#guard.run({
      topic,
      partition,
      offset,
      key: record.key?.toString('utf8') ?? null,
      value: value as never,
      eventTimeMs,
      ingestTimeMs: record.timestampMs,
    });
    this.#recorder?.end(result.kind !== 'dead-letter');
    return result;
  }

  /** What a part sees of the task whose time is that of a scope. */
  #contextIn(scope: TimeScope, isRecorded: boolean): TaskContext {
    const { now, newId } = this.#env;
    const recorder = isRecorded ? this.#recorder : undefined;
    return {
      partition: this.partition,
      outputs: this.outputs,
      watermarkMs: () => scope.watermarkMs,
      now: recorder === undefined ? now : () => recorder.now(now()),
      newId: recorder === undefined ? newId : () => recorder.newId(newId()),
      store: (name, options) => this.#state.store(name, options, recorder?.touches),
      onlineView: (store, view) => this.online.add(store, view),
      timers: (name, onDue) => this.#state.timers(name, onDue, { scope, recorder }),
      clockTimers: (name, onDue) => this.#state.clockTimers(name, onDue, recorder),
      attach: (part) => this.#state.attach(part, scope, recorder),
      byTime: (act, run) => this.#actByTime(act, run),
      timedBy: (inputs) => this.#contextIn(this.#watermark.scope(inputs), isRecorded),
      recorded: () => this.#contextIn(scope, true),
      isRecorded: recorder !== undefined,
      isTakenAgain: false,
      decided: (decision) => recorder?.decided(decision),
    };
  }

  #actByTime({ place, about, timer }: TimedAct, run: () => StepResult): void {
    this.#recorder?.actBegins(timer);
    const result = this.#guard.runByTime(place, run);
    this.#recorder?.actEnds(result.kind !== 'dead-letter');
    this.#outcomes.carryOutByTime(result, about());
  }

  #recorderOf({ name, explained }: Subtopology): StepRecorder | undefined {
    const { job, topicName, now } = this.#env;
    if (explained === undefined || job === undefined) return undefined;
    const { partition } = this;
    return new StepRecorder({
      ...{ job, subtopology: name, partition, now, storeTime: this.#state.time },
      inputs: new Set(explained.inputs),
      taskEpoch: () => this.#state.taskEpoch,
      watermark: this.#watermark,
      write: (topic, id, value) =>
        this.outputs.produceRaw({ topic: topicName(topic), key: id, value, timestampMs: now() }),
    });
  }

  #moveWatermark(nowMs: number): void {
    if (!this.#watermark.advance(nowMs)) return;
    this.#env.watch?.enter('', this.partition, -1);
    const { watermarkMs, reason } = this.#watermark.whole;
    this.#state.advance(watermarkMs, reason);
  }

  #timedOutputs(): TimedOutput[] {
    return (this.subtopology.outputs ?? []).map(({ topic, holdMs = 0, from }) => {
      const scope = from === undefined ? this.#watermark.whole : this.#watermark.scope(from);
      const mark = () => ({
        from: this.id,
        watermarkMs: scope.watermarkMs - holdMs,
        status: this.#statusOf(scope),
      });
      return { topic, mark };
    });
  }

  #statusOf(scope: TimeScope): TimeStatus {
    if (!scope.isByClock) return 'active';
    return scope.isIdle && !this.#state.isPending(scope) ? 'idle' : 'clock';
  }

  #takeChanges(nowMs: number) {
    const meta = {
      ...this.#watermark.saved,
      positions: Object.fromEntries(this.positions),
      onlineVersion: this.online.newestVersion,
    };
    return this.#state.takeChanges(this.changelog, meta, nowMs);
  }
}

function turnstile(): { readonly ended: Promise<void>; readonly end: () => void } {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { ended, end };
}

/** Whether a failure is part of normal life (another owner, unknown outcome, a step that threw) and the task may start again. */
export function isTaskRestart(error: unknown): error is MillraceError {
  return (
    hasCode(error, 'MR_KAFKA_FENCED') ||
    hasCode(error, 'MR_KAFKA_TRANSACTION_UNKNOWN') ||
    hasCode(error, 'MR_KAFKA_UNAVAILABLE') ||
    hasCode(error, 'MR_KAFKA_REBALANCED') ||
    hasCode(error, 'MR_PROCESS_STEP_FAILED') ||
    // A record that Kafka refuses for good would be refused for ever.
    (hasCode(error, 'MR_KAFKA_PRODUCE_FAILED') && error.retryable)
  );
}
