import { MillraceError } from '../../../platform/errors.ts';
import { json } from '../codec.ts';
import { OnlineViews } from '../online/online-views.ts';
import { KeyedStore } from '../state/keyed-store.ts';
import { taskTime, type StoreEnvironment } from '../state/store-environment.ts';
import type { StoreOptions } from '../state/store-options.ts';
import { UndoLog } from '../state/undo-log.ts';
import type { StatefulPart } from '../stateful-part.ts';
import { TaskOutputs } from '../task/task-outputs.ts';
import { EventTimers } from '../time/event-timers.ts';
import type { Decision, TaskContext, TimedAct } from '../topology.ts';
import type { StepResult } from '../step-result.ts';
import { unfinite, WHOLE, type Evidence } from './evidence.ts';

/** A part, and the scope that it follows. */
interface ReplayedPart {
  readonly part: StatefulPart;
  readonly scope: string;
}

/**
 * A task that is nothing but what evidence says of it: the stores hold the entries that the step touched, as they were,
 * and clock, ids and watermarks are those that it was given. It writes nowhere.
 */
export class ReplayContext {
  readonly stores = new Map<string, KeyedStore<unknown>>();
  readonly parts: ReplayedPart[] = [];
  /** What was decided, in order. */
  readonly decisions: Decision[] = [];
  /** Whether the act that is to be taken again was. */
  isOver = false;

  readonly #evidence: Evidence;
  readonly #env: StoreEnvironment;
  readonly #outputs: TaskOutputs;
  #isMoved = false;
  #clockAt = 0;
  #idAt = 0;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    const { subtopology, partition, storeTime } = evidence;
    const undo = new UndoLog();
    const time = taskTime();
    time.watermarkMs = unfinite(storeTime.watermarkMs);
    time.eventTimeMs = unfinite(storeTime.eventTimeMs);
    this.#env = { taskId: `${subtopology}-${partition}`, time, undo };
    const { decidedAtMs } = evidence;
    this.#outputs = new TaskOutputs({ partition, topicName: (topic) => topic, now: () => decidedAtMs, undo });
  }

  /** Of the whole task, or of a scope. */
  context(scope = WHOLE): TaskContext {
    const timers = (layout: string, name: string, onDue: (key: string, dueMs: number) => void) =>
      new EventTimers(this.#store<number>(name, { layout }), onDue);
    return {
      partition: this.#evidence.partition,
      outputs: this.#outputs,
      watermarkMs: () => this.watermarkMs(scope),
      now: () => this.#now(),
      newId: () => this.#newId(),
      store: (name, options) => this.#store(name, options),
      onlineView: (store, view) => new OnlineViews(this.#env.taskId, () => 0).add(store, view),
      timers: (name, onDue) => {
        const made = timers('timers', name, onDue);
        this.parts.push({ part: made.byEventTime(), scope });
        return made;
      },
      clockTimers: (name, onDue) => {
        const made = timers('clock-timers', name, onDue);
        this.parts.push({ part: made.byClock(), scope });
        return made;
      },
      attach: (part) => this.parts.push({ part, scope }),
      byTime: (act, run) => this.#byTime(act, run),
      timedBy: (inputs) => this.context([...inputs].sort().join(' ')),
      recorded: () => this.context(scope),
      isRecorded: true,
      isTakenAgain: true,
      decided: (decision) => this.decisions.push(decision),
    };
  }

  /**
   * Puts the recorded entries into the stores and makes the parts whole.
   * @throws MillraceError MR_EXPLAIN_STATE_CHANGED
   */
  seed(): void {
    const { entries, cause } = this.#evidence;
    for (const { store: name, version, layout, key, value, writtenMs } of entries) {
      const store = this.#known(name);
      if (store.version !== version || store.layout !== layout)
        throw stateChanged(
          this.#evidence,
          `the store ${name} is now version ${store.version} of ${store.layout}, and was version ${version} of ${layout}`,
        );
      if (value !== null) store.restore(key, Buffer.from(value, 'base64'), unfinite(writtenMs));
    }
    // It had been taken out of its store before its turn.
    if (cause.kind === 'timer')
      this.#known(cause.name).restore(cause.key, json<number>().encode(cause.dueMs));
    for (const store of this.stores.values()) store.ready(store.version);
    for (const { part, scope } of this.parts) part.rebuild?.(this.watermarkMs(scope));
    this.turn();
  }

  /** Time moves: from here on watermarks are those of during the step. */
  move(): void {
    this.#isMoved = true;
  }

  watermarkMs(scope: string): number {
    const { watermarks } = this.#evidence;
    const [before, during] = watermarks[scope] ?? watermarks[WHOLE] ?? [null, null];
    return unfinite(this.#isMoved ? during : before);
  }

  /** Clock and ids begin anew, as they were recorded: for each act of a part. */
  turn(): void {
    this.#clockAt = this.#idAt = 0;
  }

  #byTime({ timer }: TimedAct, run: () => StepResult): void {
    const { cause, id } = this.#evidence;
    if (this.isOver) return;
    if (cause.kind === 'timer') {
      const isOwn = timer?.name === cause.name && timer.key === cause.key && timer.dueMs === cause.dueMs;
      if (!isOwn) return;
      this.isOver = true;
    }
    run();
    if (this.decisions.some((decision) => decision.id === id)) this.isOver = true;
    else if (cause.kind === 'part') this.decisions.length = 0;
    this.turn();
  }

  #store<V>(name: string, options: StoreOptions<V> = {}): KeyedStore<V> {
    const store = new KeyedStore<V>(name, options, this.#env);
    this.stores.set(name, store as KeyedStore<unknown>);
    return store;
  }

  #known(name: string): KeyedStore<unknown> {
    const store = this.stores.get(name);
    if (store !== undefined) return store;
    throw stateChanged(this.#evidence, `${this.#evidence.subtopology} has no store ${name} any more`);
  }

  /** A step that asks more often than it did then is another one: it goes on with the last answer. */
  #now(): number {
    const { clock, decidedAtMs } = this.#evidence;
    return clock[this.#clockAt++] ?? decidedAtMs;
  }

  #newId(): string {
    return this.#evidence.ids[this.#idAt++] ?? '00000000-0000-7000-8000-000000000000';
  }
}

function stateChanged({ job }: Evidence, reason: string): MillraceError {
  const { application, version } = job;
  return new MillraceError(
    'MR_EXPLAIN_STATE_CHANGED',
    `${reason}; ${application} ${version} has decided it`,
    { context: { version } },
  );
}
