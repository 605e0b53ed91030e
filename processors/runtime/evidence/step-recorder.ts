import type { LogRecord } from '../../../platform/kafka/port.ts';
import type { TaskTime } from '../state/store-environment.ts';
import type { TimeReason } from '../stateful-part.ts';
import type { Decision, Position, TimerOfAct } from '../topology.ts';
import type { TimeScope } from '../time/time-scope.ts';
import type { WatermarkTracker } from '../time/watermark.ts';
import {
  encodeEvidence,
  finite,
  WHOLE,
  type Cause,
  type EvidenceEntry,
  type JobDescription,
} from './evidence.ts';
import { Touches, type TouchedEntry } from './touches.ts';

/** Why the parts of a task are called. */
export type PartCall = 'advance' | 'tick' | 'commit';

export interface StepRecorderOptions {
  readonly job: JobDescription;
  readonly subtopology: string;
  readonly partition: number;
  /** Inputs whose records can reach a sink that is explained. */
  readonly inputs: ReadonlySet<string>;
  readonly taskEpoch: () => number;
  readonly watermark: Pick<WatermarkTracker, 'whole' | 'scopes'>;
  readonly storeTime: TaskTime;
  /** Takes evidence for its topic, under the id of the decision. */
  readonly write: (topic: string, id: string, value: Buffer) => void;
  readonly now: () => number;
}

/** A result and the retractions before it read an entry once: what an act needs may have been read before the last one. */
const KEPT_BETWEEN_ACTS = 16;

/**
 * Follows the steps of a task that may end in a sink which is explained, and writes down what each was given: its cause,
 * time, clock, ids, and the entries that it touched, as they were. Nothing is kept of a step that decided nothing.
 */
export class StepRecorder {
  readonly touches = new Touches();
  readonly #options: StepRecorderOptions;
  #cause: Cause | undefined;
  /** Of the time that moves: watermarks before. */
  #isMoving = false;
  #clock: number[] = [];
  #ids: string[] = [];
  #decisions: Decision[] = [];
  #record: (Position & Omit<LogRecord, 'offset'>) | undefined;

  constructor(options: StepRecorderOptions) {
    this.#options = options;
  }

  /** The clock for what is recorded. */
  now(nowMs: number): number {
    if (this.touches.isActive) this.#clock.push(nowMs);
    return nowMs;
  }

  newId(id: string): string {
    if (this.touches.isActive) this.#ids.push(id);
    return id;
  }

  decided(decision: Decision): void {
    if (this.touches.isActive) this.#decisions.push(decision);
  }

  /** A record is about to be processed. */
  beginRecord({ topic, partition, offset }: Position, record: LogRecord): void {
    if (!this.#options.inputs.has(topic)) return;
    this.#begin(false);
    const { key, value, headers, timestampMs } = record;
    // Its bytes may share the memory of a whole fetch: they are copied when there is something to explain.
    this.#record = { topic, partition, offset, timestampMs, key, value, headers };
  }

  /** It was processed, or time has moved as far as it does now. `stands` unless what was done is undone. */
  end(stands: boolean): void {
    if (!this.touches.isActive) return;
    if (stands) this.#tell(this.#recordCause());
    this.touches.isActive = false;
    this.#record = this.#cause = undefined;
    this.#reset();
  }

  /** A part of the task is about to follow time. */
  partBegins(by: PartCall, reason: TimeReason): void {
    this.#begin(by === 'advance');
    this.#cause = { kind: 'part', by, reason };
  }

  /** What time alone causes, within a part. */
  actBegins(timer: TimerOfAct | undefined): void {
    if (this.#cause?.kind !== 'part' || timer === undefined) return;
    const { by, reason } = this.#cause;
    // A timer stands alone: what was read for the ones before it is not its own.
    this.#reset();
    if (by !== 'commit') this.#cause = { kind: 'timer', ...timer, by, reason };
  }

  actEnds(stands: boolean): void {
    if (!this.touches.isActive || this.#record !== undefined) return;
    if (stands) this.#tell(this.#cause);
    this.#clock = [];
    this.#ids = [];
    this.#decisions = [];
    if (this.#cause?.kind === 'timer') {
      const { by, reason } = this.#cause;
      this.#cause = { kind: 'part', by, reason };
    }
    this.touches.keepLast(KEPT_BETWEEN_ACTS);
  }

  #begin(isMoving: boolean): void {
    this.touches.isActive = true;
    this.#isMoving = isMoving;
    this.#reset();
  }

  #reset(): void {
    this.touches.clear();
    if (this.#clock.length > 0) this.#clock = [];
    if (this.#ids.length > 0) this.#ids = [];
    if (this.#decisions.length > 0) this.#decisions = [];
  }

  #recordCause(): Cause | undefined {
    if (this.#record === undefined || this.#decisions.length === 0) return undefined;
    const { key, value, ...rest } = this.#record;
    return {
      kind: 'record',
      ...rest,
      key: key?.toString('base64') ?? null,
      value: value?.toString('base64') ?? null,
    };
  }

  #tell(cause: Cause | undefined): void {
    if (cause === undefined) return;
    const { job, subtopology, partition, taskEpoch, storeTime, write, now } = this.#options;
    for (const { evidence, id, topic, key, value } of this.#decisions) {
      const told = encodeEvidence({
        ...{ id, job, subtopology, partition, taskEpoch: taskEpoch(), cause },
        decision: { topic, key, value: value.toString('base64') },
        watermarks: this.#watermarks(),
        storeTime: {
          watermarkMs: finite(storeTime.watermarkMs),
          eventTimeMs: finite(storeTime.eventTimeMs),
        },
        clock: [...this.#clock],
        ids: [...this.#ids],
        entries: this.touches.entries.map(entryOf),
        isCut: this.touches.isCut,
        decidedAtMs: now(),
      });
      write(evidence, id, told);
    }
  }

  #watermarks(): Record<string, [number | null, number | null]> {
    const { whole, scopes } = this.#options.watermark;
    const of = ({ watermarkMs, previousMs }: TimeScope): [number | null, number | null] => [
      finite(this.#isMoving ? previousMs : watermarkMs),
      finite(watermarkMs),
    ];
    const all = Object.fromEntries(Array.from(scopes, (scope) => [scope.key, of(scope)]));
    return { ...all, [WHOLE]: of(whole) };
  }
}

function entryOf({ value, writtenMs, ...rest }: TouchedEntry): EvidenceEntry {
  return {
    ...rest,
    value: value?.toString('base64') ?? null,
    ...(writtenMs === undefined ? {} : { writtenMs: finite(writtenMs) }),
  };
}
