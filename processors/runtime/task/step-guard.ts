import { MillraceError } from '../../../platform/errors.ts';
import type { UndoLog } from '../state/undo-log.ts';
import type { StepResult } from '../step-result.ts';
import type { InputRecord, Position } from '../topology.ts';

/** What is known of steps that threw, from one start of a task to the next. */
export interface StepFaults {
  /** Records that are passed over: on which a step threw and could not be rolled back alone, or did not return. */
  readonly poisoned: ReadonlyMap<string, Refusal>;
}

/** What the dead letter of a record says. */
export type Refusal = StepResult & { readonly kind: 'dead-letter' };

/** Of a record on which a step did not return. */
export function stuckRefusal(timeoutMs: number): Refusal {
  const reason = `a step did not return within ${timeoutMs} ms`;
  return { kind: 'dead-letter', code: 'MR_PROCESS_STEP_STUCK', reason };
}

/** Without a failure for so many records, the guard stops being careful. */
const CALM_RECORDS = 100_000;
/** More failing records than this among the last {@link RECENT} mean that the step is broken, not the data. */
const MAX_FAILURES = 500;
const RECENT = 1000;

/**
 * Runs the step of a record so that one that throws costs this record alone. Undoing needs copies of what a step
 * touches, which is too dear for every record; so the first failure sends the task back to its last commit, and from
 * then on it is careful: a step that throws again is rolled back in the state and the outputs, and its record goes to
 * the dead letters. A processor that holds something outside its stores cannot be rolled back; its task starts again
 * for each such record and passes it over.
 *
 * When steps fail for most records the code is at fault: then the task ends with MR_PROCESS_STEPS_FAILING instead of
 * emptying the topic into the dead letters.
 */
export class StepGuard {
  readonly #step: string;
  readonly #process: (record: InputRecord<never>) => StepResult;
  readonly #undo: UndoLog;
  readonly #canRollBack: boolean;
  readonly #poisoned: Map<string, Refusal>;
  #hasFaults: boolean;
  #calm = 0;
  #failures = 0;
  #seen = 0;

  constructor(options: {
    readonly step: string;
    readonly process: (record: InputRecord<never>) => StepResult;
    readonly undo: UndoLog;
    readonly canRollBack: boolean;
    /** Of the task's predecessor. */
    readonly faults?: StepFaults;
  }) {
    this.#step = options.step;
    this.#process = options.process;
    this.#undo = options.undo;
    this.#canRollBack = options.canRollBack;
    this.#poisoned = new Map(options.faults?.poisoned);
    this.#hasFaults = options.faults !== undefined;
    this.#undo.isActive = this.#canRollBack && this.#hasFaults;
  }

  get faults(): StepFaults | undefined {
    return this.#hasFaults ? { poisoned: this.#poisoned } : undefined;
  }

  /** @throws MillraceError MR_PROCESS_STEP_FAILED (the task starts again), MR_PROCESS_STEPS_FAILING */
  run(record: InputRecord<never>): StepResult {
    if (!this.#hasFaults) return this.#runBoldly(record);
    const known = this.#poisoned.get(placeOf(record));
    if (known !== undefined) return this.#refused(known);
    if (!this.#undo.isActive) return this.#runBoldly(record);
    this.#undo.clear();
    try {
      const result = this.#process(record);
      this.#undo.clear();
      if (++this.#calm >= CALM_RECORDS) this.#undo.isActive = this.#hasFaults = false;
      this.#count(0);
      return result;
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      this.#undo.rollback();
      this.#calm = 0;
      return this.#refused(failed(describeFailure(error, this.#step)));
    }
  }

  /**
   * Runs what time and no record caused, in the same way.
   * @param place names it, the same after a restart
   * @throws MillraceError as {@link run} does
   */
  runByTime(place: string, act: () => StepResult): StepResult {
    const known = this.#hasFaults ? this.#poisoned.get(place) : undefined;
    if (known !== undefined) return this.#refused(known);
    if (!this.#hasFaults || !this.#canRollBack) {
      try {
        return act();
      } catch (error) {
        throw this.#firstFailure(error, place, { place });
      }
    }
    try {
      return this.#undo.attempt(act);
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      this.#calm = 0;
      return this.#refused(failed(describeFailure(error, this.#step)));
    }
  }

  #runBoldly(record: InputRecord<never>): StepResult {
    try {
      return this.#process(record);
    } catch (error) {
      const { topic, partition, offset } = record;
      throw this.#firstFailure(error, placeOf(record), { topic, partition, offset });
    }
  }

  /** What sends the task back to its last commit, from where it is careful. */
  #firstFailure(error: unknown, place: string, context: Record<string, string | number>): unknown {
    if (error instanceof MillraceError) return error;
    const reason = describeFailure(error, this.#step);
    this.#hasFaults = true;
    if (!this.#canRollBack) this.#poisoned.set(place, failed(reason));
    const message = `${reason}; its task starts again and passes over what it threw on`;
    return new MillraceError('MR_PROCESS_STEP_FAILED', message, { context, cause: error });
  }

  #refused(refusal: Refusal): StepResult {
    this.#count(1);
    return refusal;
  }

  #count(failed: 0 | 1): void {
    this.#failures += failed;
    this.#seen += 1;
    if (this.#failures > MAX_FAILURES)
      throw new MillraceError(
        'MR_PROCESS_STEPS_FAILING',
        `step ${this.#step} threw on ${this.#failures} of the last ${this.#seen} records`,
        { context: { step: this.#step } },
      );
    if (this.#seen >= RECENT) this.#seen = this.#failures = 0;
  }
}

function failed(reason: string): Refusal {
  return { kind: 'dead-letter', code: 'MR_PROCESS_STEP_FAILED', reason };
}

/** Key of a record among those that are passed over. */
export function placeOf({ topic, offset }: Pick<Position, 'topic' | 'offset'>): string {
  return `${topic}/${offset}`;
}

/** Kind of the error and the line that threw it. Not its message: that may quote the record. */
function describeFailure(error: unknown, step: string): string {
  const name = error instanceof Error ? error.name : 'something that is no error';
  const frame =
    error instanceof Error
      ? /\n\s+at (?:.*\()?(?:file:\/\/)?([^)\n]+:\d+):\d+\)?/.exec(error.stack ?? '')
      : null;
  const file = frame?.[1]?.split('/').slice(-2).join('/');
  return `step ${step} threw ${name}${file === undefined ? '' : ` at ${file}`}`;
}
