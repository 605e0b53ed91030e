import type { Row } from '../../../platform/clickhouse/port.ts';
import type { RefusedRow } from '../../../platform/clickhouse/refused-rows.ts';
import { errorText, MillraceError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/log.ts';
import { isOfWrite } from '../../../platform/online-store/limits.ts';
import type { OnlineStore } from '../../../platform/online-store/port.ts';
import { systemScheduler, type Scheduler } from '../../../platform/scheduler.ts';
import { Sieve } from '../../../platform/sieve.ts';
import { Checkpoints } from '../online/checkpoints.ts';
import type { OnlineWrite } from '../online/online-views.ts';
import { KeyRepair } from '../online/key-repair.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { OnlineOutputs, PreparedCommit, Task } from './task.ts';
import type { OnlineNotice } from './task-outputs.ts';

const CHUNK = 500;
const RETRY_MS = 500;
/** How often it is looked whether the store has lost something. */
const VERIFY_MS = 5000;

/** Rows on their way to ClickHouse; `flush` resolves when all are in but for those that it names, since they are refused. */
export interface RowWriter {
  add(table: string, rows: readonly Row[]): void;
  flush(): Promise<readonly RefusedRow[]>;
}

/** Counts of the online sink since it was made. */
export interface OnlineSinkStats {
  applied: number;
  stale: number;
  /** Times that the store of a task was found behind, so that its keys are written again. */
  behind: number;
}

export interface OnlineSinkOptions {
  readonly store: OnlineStore;
  readonly now: () => number;
  readonly log: Logger;
  /** The system's where absent. */
  readonly scheduler?: Scheduler;
}

/** A write that the store takes under no circumstances. */
interface RefusedWrite {
  readonly key: string;
  readonly value: string | null;
  readonly reason: string;
}

interface WaitingWrite {
  readonly task: Task;
  readonly waiting: Waiting;
  readonly write: OnlineWrite;
}

interface Waiting {
  readonly writes: Map<string, OnlineWrite>;
  readonly notices: OnlineNotice[];
}

/**
 * Writes what tasks say to the online store, one flush at a time. A flush that fails keeps what was not written; the
 * next one takes it again unless a newer value of the same key came meanwhile. What a task said when it failed or left
 * is forgotten: its next owner says it anew. Where the store has less than was committed, or more, the keys of the task are
 * put right from its state: at its start, and while it runs.
 */
export class OnlineSink {
  readonly stats: OnlineSinkStats = { applied: 0, stale: 0, behind: 0 };
  /** Ingest to visible, all writes since the start. */
  readonly freshness = new LatencyHistogram();
  /** Told of each write that became visible: milliseconds since its event was taken in. */
  onVisible: ((ms: number) => void) | undefined;
  /** The same since the last sample. */
  readonly recentFreshness = new LatencyHistogram();
  readonly #store: OnlineStore;
  readonly #now: () => number;
  readonly #log: Logger;
  readonly #scheduler: Scheduler;
  readonly #checkpoints: Checkpoints;
  readonly #repair: KeyRepair;
  readonly #waiting = new Map<Task, Waiting>();
  readonly #refused = new Map<Task, RefusedWrite[]>();
  readonly #sieve = new Sieve<WaitingWrite>(isOfWrite);
  #last: Promise<unknown> = Promise.resolve();
  #verifiedAtMs = Number.NEGATIVE_INFINITY;
  #isVerifying = false;
  /** What ended a look at the store, for the next flush to tell. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: OnlineSinkOptions) {
    this.#store = options.store;
    this.#now = options.now;
    this.#log = options.log;
    this.#scheduler = options.scheduler ?? systemScheduler;
    const { store, log } = options;
    this.#checkpoints = new Checkpoints(store, {
      onBehind: (task) => {
        this.stats.behind += 1;
        this.#repair.writeAgain(task);
      },
      onSuperseded: ({ id }) =>
        log.warn(
          { task: id },
          'the online store has writes of a later start of the task: another process has it, or the store is of another log; then rebuild it with `millrace rebuild online`',
        ),
    });
    this.#repair = new KeyRepair({
      ...{ store, log, checkpoints: this.#checkpoints, scheduler: this.#scheduler },
      onFailure: (error) => (this.#failure ??= { error }),
    });
  }

  /** Whether a flush of the task would write anything. */
  hasWork(task: Task): boolean {
    return task.online.hasPending || task.outputs.hasNotices || this.#waiting.has(task);
  }

  /** Writes what the tasks have said. Rejects with MR_ONLINE_STORE_UNAVAILABLE; then nothing is lost. */
  flush(tasks: readonly Task[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const task of tasks) if (task.failure === undefined) this.#add(task, task.takeOnline());
      await this.#flushAll();
    });
  }

  /**
   * Writes what commits stand for until the store takes it, and says so there; ends early when the signal aborts. The
   * transactions may follow then.
   */
  async commit(commits: ReadonlyMap<Task, PreparedCommit>, signal: AbortSignal): Promise<void> {
    for (const [task, { online }] of commits) this.#add(task, online);
    const versions = new Map([...commits].map(([task, { onlineVersion }]) => [task, onlineVersion]));
    for (;;) {
      try {
        await this.#inTurn(async () => {
          await this.#flushAll();
          await this.#checkpoints.settle(versions);
        });
        return;
      } catch (error) {
        if (!(error instanceof MillraceError) || !error.retryable || signal.aborted) throw error;
        this.#log.warn(
          { code: error.code, error: errorText(error) },
          'the online store does not answer; processing waits, start it again',
        );
        await this.#scheduler.sleep(RETRY_MS, signal);
      }
    }
  }

  /** Looks every few seconds whether the store still has what tasks wrote; what is lost is written again. */
  maybeVerify(tasks: readonly Task[]): void {
    const nowMs = this.#now();
    if (this.#isVerifying || nowMs - this.#verifiedAtMs < VERIFY_MS) return;
    this.#verifiedAtMs = nowMs;
    this.#isVerifying = true;
    const own = tasks.filter((task) => task.failure === undefined);
    this.#inTurn(() => this.#checkpoints.verify(own))
      .then(() => this.#repair.maybeSweep(own))
      .catch((error: unknown) => {
        // An outage is told by the flushes; what the store had lost by then is found afterwards.
        if (!(error instanceof MillraceError) || !error.retryable) this.#failure ??= { error };
      })
      .finally(() => {
        this.#isVerifying = false;
      });
  }

  /** Forgets what a task had said: it starts again and says it anew. */
  forget(task: Task): void {
    this.#waiting.delete(task);
    this.#checkpoints.forget(task);
    this.#refused.delete(task);
  }

  /** Writes of a task that were refused since the last call: its commit puts them aside. */
  takeRefused(task: Task): readonly RefusedWrite[] {
    const refused = this.#refused.get(task) ?? [];
    this.#refused.delete(task);
    return refused;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(() => {
      if (this.#failure !== undefined) throw this.#failure.error;
      return work();
    });
    this.#last = run.catch(() => undefined); // its caller has the error
    return run;
  }

  async #flushAll(): Promise<void> {
    const written = [...this.#waiting].filter(([, { writes }]) => writes.size > 0).map(([task]) => task);
    await this.#checkpoints.open(written);
    const writes = [...this.#waiting].flatMap(([task, waiting]) =>
      [...waiting.writes.values()].map((write) => ({ waiting, task, write })),
    );
    for (let at = 0; at < writes.length; at += CHUNK) {
      const chunk = writes.slice(at, at + CHUNK);
      const refused = await this.#sieve.pass(chunk, (part) => this.#write(part.map(({ write }) => write)));
      for (const { item, reason } of refused) this.#refuse(item, reason);
      for (const { waiting, task, write } of chunk) {
        this.#checkpoints.flushed(task, write.version);
        if (waiting.writes.get(write.key) === write) waiting.writes.delete(write.key);
      }
    }
    for (const [task, waiting] of [...this.#waiting]) {
      for (let notice = waiting.notices[0]; notice !== undefined; notice = waiting.notices[0]) {
        await this.#store.publish(notice.channel, notice.message);
        waiting.notices.shift();
      }
      if (waiting.writes.size === 0 && waiting.notices.length === 0) this.#waiting.delete(task);
    }
    this.#repair.flushed();
  }

  #refuse({ task, write: { key, value } }: WaitingWrite, reason: string): void {
    const refused = this.#refused.get(task) ?? [];
    refused.push({ key, value, reason });
    this.#refused.set(task, refused);
  }

  #add(task: Task, { writes, notices }: OnlineOutputs): void {
    if (writes.length === 0 && notices.length === 0) return;
    const waiting = this.#waiting.get(task) ?? { writes: new Map<string, OnlineWrite>(), notices: [] };
    for (const write of writes) {
      const older = waiting.writes.get(write.key);
      const acceptedAtMs = older?.acceptedAtMs;
      waiting.writes.set(write.key, acceptedAtMs === undefined ? write : { ...write, acceptedAtMs });
    }
    waiting.notices.push(...notices);
    this.#waiting.set(task, waiting);
  }

  async #write(writes: readonly OnlineWrite[]): Promise<void> {
    const applied = await this.#store.setIfNewer(writes);
    const nowMs = this.#now();
    writes.forEach((write, index) => {
      if (applied[index] === true) this.stats.applied += 1;
      else this.stats.stale += 1;
      if (write.acceptedAtMs === undefined) return;
      this.freshness.record(nowMs - write.acceptedAtMs);
      this.onVisible?.(nowMs - write.acceptedAtMs);
      this.recentFreshness.record(nowMs - write.acceptedAtMs);
    });
  }
}
