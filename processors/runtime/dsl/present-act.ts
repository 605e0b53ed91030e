import { DROP, type StepResult } from '../step-result.ts';
import type { TaskContext, TimedAct } from '../topology.ts';
import type { GraphNode, Meta } from './graph.ts';

/** Of the results of one act, the one that says most counts. */
const RANK: Readonly<Record<StepResult['kind'], number>> = {
  drop: 0,
  ok: 1,
  late: 2,
  redirect: 3,
  'dead-letter': 4,
};

/** A value that a node says, on its way to the next ones. */
interface Said {
  readonly value: unknown;
  readonly meta: Meta;
}

/**
 * What a task is doing now: processing a record, or something that time alone caused, such as telling the result of a
 * window that closed. What nodes report meanwhile is said of that.
 */
export class PresentAct {
  readonly #context: Pick<TaskContext, 'byTime'>;
  /** Whether a record is being processed: what is said and reported then is of that. */
  isOfRecord = false;
  #isBusy = false;
  #result: StepResult = DROP;
  /** What was said last, and, of what time alone causes, what was said first and when the result was reported. */
  #said: Said | undefined;
  #saidFirst: Said | undefined;
  #reportedOf: Said | undefined;
  #hasThrown = false;

  constructor(context: Pick<TaskContext, 'byTime'>) {
    this.#context = context;
  }

  report(result: StepResult): void {
    if (RANK[result.kind] <= RANK[this.#result.kind]) return;
    this.#result = result;
    this.#reportedOf = this.#said;
  }

  /** A record begins. It and its end are two calls, since a function for each record would cost. */
  begin(): void {
    this.isOfRecord = this.#isBusy = true;
    this.#result = DROP;
  }

  end(): void {
    this.isOfRecord = this.#isBusy = false;
  }

  /** What was reported of the record. */
  get result(): StepResult {
    return this.#result;
  }

  /** Does something that time alone caused; a part of what is being done already where there is such. */
  byTime(act: TimedAct, run: () => StepResult): void {
    if (this.#isBusy) {
      this.report(run());
      return;
    }
    this.#result = DROP;
    this.#said = this.#saidFirst = this.#reportedOf = undefined;
    this.#hasThrown = false;
    const about = () => {
      // A step that throws undoes all of it, from what was said first; a step that refuses a value refuses that one.
      const said = this.#hasThrown ? this.#saidFirst : this.#reportedOf;
      return said === undefined ? act.about() : aboutSaid(said);
    };
    const { place, timer } = act;
    this.#context.byTime({ place, about, ...(timer === undefined ? {} : { timer }) }, () => {
      this.#isBusy = true;
      try {
        this.report(run());
        return this.#result;
      } catch (error) {
        this.#hasThrown = true;
        throw error;
      } finally {
        this.#isBusy = false;
      }
    });
  }

  /** A node says a value that no record has brought to those behind it. */
  says(node: GraphNode, said: Said, tell: () => void): void {
    if (this.#isBusy) {
      this.#said = said;
      this.#saidFirst ??= said;
      tell();
      return;
    }
    const { key, eventTimeMs } = said.meta;
    const place = `${node.name ?? node.label}/${key ?? ''}/${eventTimeMs}`;
    this.byTime({ place, about: () => aboutSaid(said) }, () => {
      this.#said = this.#saidFirst = said;
      tell();
      return DROP;
    });
  }
}

function aboutSaid({ value, meta: { key, eventTimeMs } }: Said): ReturnType<TimedAct['about']> {
  return { key, value, eventTimeMs };
}
