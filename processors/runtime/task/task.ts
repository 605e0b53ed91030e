import { hasCode, MillraceError, type ErrorCode } from '../../../platform/errors.ts';
import type { Row } from '../../../platform/clickhouse/port.ts';
import type { Kafka, RecordBatch, Transaction, TransactionalProducer } from '../../../platform/kafka/port.ts';
import type { MillraceEvent } from '../../../schemas/generated/events.ts';
import { decodeEvent, WireFormatError } from '../../../schemas/wire-format.ts';
import { deadLetter, lateRecord, type RawRecord } from './dead-letter.ts';
import { parseUuid } from './event-id-set.ts';
import { TaskOutputs } from './task-outputs.ts';
import { TaskState } from '../state/task-state.ts';
import type { StepResult } from '../step-result.ts';
import type { Processor, Subtopology } from '../topology.ts';
import { WatermarkTracker, type WatermarkOptions } from '../time/watermark.ts';

/** Events further ahead of their ingest time are wrong clocks: they never move the watermark. */
const FUTURE_LIMIT_MS = 5 * 60_000;
/** Versions (taskEpoch · 2^40 + emission) stay safe integers below it. */
const MAX_EPOCHS = 2 ** 13;

export interface TaskEnvironment {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly watermark: WatermarkOptions;
  /** Name of a topic in the namespace. */
  readonly topicName: (topic: string) => string;
  readonly changelogName: (subtopology: string) => string;
  readonly now: () => number;
  readonly newId: () => string;
}

/** What one task has done since it started, by outcome. */
export interface TaskCounters {
  ok: number;
  dropped: number;
  duplicate: number;
  late: number;
  deadLetter: number;
}

/** One commit on its way: rows for the sinks first, the transaction after they have acknowledged. */
export interface PreparedCommit {
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly transaction: Transaction;
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
  readonly counters: TaskCounters = { ok: 0, dropped: 0, duplicate: 0, late: 0, deadLetter: 0 };
  /** Next offset to read by contract topic. */
  readonly positions = new Map<string, number>();
  /** Records read by contract topic since the task started. */
  readonly read = new Map<string, number>();
  /** Records behind the end of the log by contract topic, as of the last fetch. */
  readonly lag = new Map<string, number>();
  /** Set when a step or a commit failed: nothing it holds may be used, only its last committed state. */
  failure: unknown;
  /** Started, and then failed before anything that it read was committed: starting again may not help. */
  isFruitless = false;

  readonly #env: TaskEnvironment;
  readonly #state = new TaskState();
  readonly #producer: TransactionalProducer;
  readonly #processor: Processor;
  readonly #deduplicated: ReadonlySet<string>;
  readonly #id = new Uint32Array(4);
  #watermark: WatermarkTracker;
  #progressed = false;

  constructor(subtopology: Subtopology, partition: number, env: TaskEnvironment) {
    this.subtopology = subtopology;
    this.partition = partition;
    this.id = `${subtopology.name}-${partition}`;
    this.#env = env;
    this.#deduplicated = new Set(subtopology.deduplicated);
    this.outputs = new TaskOutputs(partition, env.topicName, env.now);
    this.#producer = env.kafka.transactionalProducer({
      transactionalId: `${env.groupId}|${subtopology.name}|${partition}`,
      groupId: env.groupId,
    });
    this.#watermark = this.#newWatermark(Number.NEGATIVE_INFINITY);
    this.#processor = subtopology.create({
      partition,
      outputs: this.outputs,
      watermarkMs: () => this.#watermark.watermarkMs,
      now: env.now,
      newId: env.newId,
      store: (name, options) => this.#state.store(name, options),
      timers: (name, onDue) => this.#state.timers(name, onDue),
      tumbling: (options) => this.#state.tumbling(options),
    });
  }

  get changelog(): { readonly topic: string; readonly partition: number } {
    return { topic: this.#env.changelogName(this.subtopology.name), partition: this.partition };
  }

  get watermarkMs(): number {
    return this.#watermark.watermarkMs;
  }

  get stateEntries(): number {
    return this.#state.size;
  }

  /** Whether there is anything that a commit would make durable. */
  get hasWork(): boolean {
    return this.#progressed || this.outputs.pending > 0;
  }

  /**
   * Fences older holders, restores the state, raises the epoch and finds the positions. Fencing comes before reading
   * offsets: an older holder's transaction that is still open would move them afterwards.
   */
  async start(): Promise<void> {
    const { kafka, groupId, topicName, now } = this.#env;
    await this.#producer.init();
    await this.#state.restore(kafka, this.changelog);
    this.#watermark = this.#newWatermark(this.#state.restoredWatermarkMs);
    this.#state.taskEpoch += 1;
    if (this.#state.taskEpoch >= MAX_EPOCHS)
      throw new MillraceError('MR_INTERNAL', 'a task was started so often that its versions are used up', {
        context: { task: this.id, taskEpoch: this.#state.taskEpoch },
      });
    this.outputs.taskEpoch = this.#state.taskEpoch;
    for (const topic of this.subtopology.inputs) {
      const name = topicName(topic);
      const committed = (await kafka.admin.committed(groupId, name)).find(
        (o) => o.partition === this.partition,
      );
      const first = (await kafka.admin.offsets(name)).find((o) => o.partition === this.partition);
      this.positions.set(topic, committed?.offset ?? first?.start ?? 0);
    }
    const records = this.#state.takeChanges(this.changelog, this.watermarkMs, now());
    await this.#producer.commit({ records, offsets: [] });
    this.isFruitless = true;
  }

  /**
   * Takes a batch of one of its inputs, given by the contract's topic name. Records before the position were taken
   * already and are passed over. The watermark moves with each record and not with each batch, so that what is late
   * does not depend on how the log was cut into batches.
   */
  processBatch(topic: string, batch: RecordBatch): void {
    const nowMs = this.#env.now();
    const position = this.positions.get(topic) ?? 0;
    if (batch.nextOffset < position) return;
    const atEnd = batch.nextOffset >= batch.endOffset;
    this.#watermark.fetched(topic, { records: batch.records.length, atEnd }, nowMs);
    try {
      for (const record of batch.records) {
        if (record.offset < position) continue;
        this.#processRecord({ topic, partition: batch.partition, offset: record.offset, record }, nowMs);
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
    if (batch.nextOffset > position) this.#progressed = true;
    this.read.set(topic, (this.read.get(topic) ?? 0) + batch.records.length);
    this.positions.set(topic, batch.nextOffset);
    this.lag.set(topic, Math.max(0, batch.endOffset - batch.nextOffset));
    this.advanceTime();
  }

  /** Moves the watermark with what was read and with the clock; fires timers and closes windows. */
  advanceTime(): void {
    const before = this.#watermark.watermarkMs;
    const watermarkMs = this.#watermark.advance(this.#env.now());
    if (watermarkMs > before) this.#state.advance(watermarkMs, this.#watermark.isIdle ? 'idle' : 'watermark');
  }

  /** Reading has paused: until the next fetch no input counts as read to its end. */
  readingPaused(): void {
    this.#watermark.unconfirm();
  }

  /** Takes everything since the last commit. From here on the task works for the next one. */
  prepareCommit(): PreparedCommit {
    this.#processor.beforeCommit?.();
    this.#state.emitUpdates();
    const { rows, records } = this.outputs.take();
    records.push(...this.#state.takeChanges(this.changelog, this.watermarkMs, this.#env.now()));
    const offsets = [...this.positions].map(([topic, offset]) => ({
      topic: this.#env.topicName(topic),
      partition: this.partition,
      offset,
    }));
    this.#progressed = false;
    return { rows, transaction: { records, offsets } };
  }

  /** The last step of a commit, after the sinks have acknowledged its rows. */
  async commit(prepared: PreparedCommit): Promise<void> {
    try {
      await this.#producer.commit(prepared.transaction);
      this.isFruitless = false;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  #processRecord(raw: RawRecord, nowMs: number): void {
    const event = this.#decode(raw);
    if (event === undefined || !this.#isSound(event, raw)) return;
    const ingestTimeMs = raw.record.timestampMs;
    const deduplicated = this.#deduplicated.has(raw.topic);
    if (deduplicated && this.#state.duplicates.has(this.#id)) {
      this.counters.duplicate += 1;
      return;
    }
    const { topic, partition, offset } = raw;
    const result = this.#processor.process({ topic, partition, offset, event, ingestTimeMs });
    this.#carryOut(result, raw);
    // A dead letter may be sent again, with the same id.
    if (deduplicated && result.kind !== 'dead-letter')
      this.#state.duplicates.add(this.#id, Math.min(ingestTimeMs, nowMs));
    if (this.#watermark.observe(topic, event.eventTime)) this.advanceTime();
  }

  /** Dead-letters what no step and no table can take; leaves the id of the event in `#id`. */
  #isSound(event: MillraceEvent, raw: RawRecord): boolean {
    if (event.eventTime > raw.record.timestampMs + FUTURE_LIMIT_MS) {
      const reason = 'the event time is beyond the ingest time by more than 5 minutes';
      this.#toDeadLetters(raw, 'MR_PROCESS_FUTURE_EVENT', reason);
      return false;
    }
    const isEvent = parseUuid(event.eventId, this.#id) && event.eventTime >= 0 && event.ingestTime >= 0;
    if (!isEvent)
      this.#toDeadLetters(
        raw,
        'MR_PROCESS_INVALID_EVENT',
        'the eventId is no UUID, or a time is before 1970',
      );
    return isEvent;
  }

  #decode(raw: RawRecord): MillraceEvent | undefined {
    try {
      return decodeEvent(raw.record.value);
    } catch (error) {
      if (!(error instanceof WireFormatError)) throw error;
      const code = error.fault === 'unknown-schema-id' ? 'MR_SCHEMA_UNKNOWN_ID' : 'MR_SCHEMA_DECODE';
      this.#toDeadLetters(raw, code, error.message);
      return undefined;
    }
  }

  #carryOut(result: StepResult, raw: RawRecord): void {
    switch (result.kind) {
      case 'ok':
        this.counters.ok += 1;
        return;
      case 'drop':
        this.counters.dropped += 1;
        return;
      case 'late':
        this.counters.late += 1;
        this.outputs.produceRaw(lateRecord(raw, { ...result, watermarkMs: this.watermarkMs }, this.#side()));
        return;
      case 'dead-letter':
        this.#toDeadLetters(raw, result.code, result.reason);
    }
  }

  #toDeadLetters(raw: RawRecord, code: ErrorCode, reason: string): void {
    this.counters.deadLetter += 1;
    this.outputs.produceRaw(deadLetter(raw, { code, reason, step: this.subtopology.name }, this.#side()));
  }

  #side(): { topicName: (topic: string) => string; nowMs: number } {
    return { topicName: this.#env.topicName, nowMs: this.#env.now() };
  }

  #newWatermark(watermarkMs: number): WatermarkTracker {
    return new WatermarkTracker(this.subtopology.inputs, this.#env.watermark, {
      nowMs: this.#env.now(),
      watermarkMs,
    });
  }
}

/** Whether a failed commit is part of normal life (another owner, unknown outcome) and the task may start again. */
export function isTaskRestart(error: unknown): error is MillraceError {
  return (
    hasCode(error, 'MR_KAFKA_FENCED') ||
    hasCode(error, 'MR_KAFKA_TRANSACTION_UNKNOWN') ||
    hasCode(error, 'MR_KAFKA_UNAVAILABLE') ||
    hasCode(error, 'MR_KAFKA_REBALANCED') ||
    // A record that Kafka refuses for good would be refused for ever.
    (hasCode(error, 'MR_KAFKA_PRODUCE_FAILED') && error.retryable)
  );
}
