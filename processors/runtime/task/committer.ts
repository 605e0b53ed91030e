import type { RefusedRow } from '../../../platform/clickhouse/refused-rows.ts';
import { errorText } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/log.ts';
import { systemScheduler, type Scheduler } from '../../../platform/scheduler.ts';
import type { Refusal } from './refusals.ts';
import type { TableRows } from '../state/outbox.ts';
import type { OnlineSink, RowWriter } from './sinks.ts';
import { isTaskRestart, type PreparedCommit, type Task } from './task.ts';

export interface CommitterOptions {
  readonly rows: RowWriter;
  readonly online: OnlineSink;
  /** Ends the waiting for a store that is down. */
  readonly signal: AbortSignal;
  /** The system's where absent. */
  readonly scheduler?: Scheduler;
  readonly log: Logger;
  /** Told of each commit: rows by table, duration. */
  readonly onCommit?: (commit: { readonly rows: ReadonlyMap<string, number>; readonly ms: number }) => void;
}

/**
 * Commits tasks, one commit at a time: facts and online writes are acknowledged first, then outputs, changelog and
 * offsets move in one Kafka transaction for each task, and the results that are kept in it follow. What went ahead of a
 * transaction that never came is said again: a fact has its place in the log, and keys of the online store are put right
 * from the state. Results may be said of other keys then, so they wait for their transaction.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #last: Promise<void> = Promise.resolve();
  #longestMs = 0;
  /** Commits with at least one task since the start. */
  commits = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** The longest commit since the last call. */
  takeLongestMs(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  /**
   * Commits what the tasks hold when it is their turn. A task whose transaction fails in a way that is part of normal
   * life carries its `failure`; any other error rejects, and then no task of this commit may be used any more, since
   * it has handed out what was not made durable.
   */
  commit(tasks: () => readonly Task[]): Promise<void> {
    const run = this.#last.then(() => this.#commit(tasks()));
    this.#last = run.catch(() => undefined); // its caller has the error
    return run;
  }

  async #commit(all: readonly Task[]): Promise<void> {
    const { scheduler = systemScheduler } = this.#options;
    const startedMs = scheduler.elapsedMs();
    const tasks = all.filter((task) => task.failure === undefined && task.hasWork);
    if (tasks.length === 0) return;
    const prepared = tasks.flatMap((task) => this.#prepare(task));
    const counts = new Map<string, number>();
    for (const [task, { facts }] of prepared) {
      this.#add(task.owedRows, counts);
      this.#add(facts, counts);
    }
    let refused: readonly RefusedRow[];
    try {
      refused = await this.#flushSinks(new Map(prepared));
    } catch (error) {
      for (const task of tasks) task.failure ??= error;
      throw error;
    }
    await Promise.all(
      prepared.map(([task, commit]) => {
        const rows = [...refusedOf(task.owedRows, refused), ...refusedOf(commit.facts, refused)];
        return this.#commitTask(task, commit, [...task.takeRefusals(), ...rows, ...this.#onlineOf(task)]);
      }),
    );
    await this.#tell(prepared, counts);
    this.commits += 1;
    const ms = scheduler.elapsedMs() - startedMs;
    this.#longestMs = Math.max(this.#longestMs, ms);
    this.#options.onCommit?.({ rows: counts, ms });
  }

  #prepare(task: Task): (readonly [Task, PreparedCommit])[] {
    try {
      return [[task, task.prepareCommit()]];
    } catch (error) {
      if (!isTaskRestart(error)) throw error;
      const said = { task: task.id, code: error.code, error: errorText(error) };
      this.#options.log.warn(said, 'what a commit hands out failed; the task starts again, with care');
      return [];
    }
  }

  async #flushSinks(commits: ReadonlyMap<Task, PreparedCommit>): Promise<readonly RefusedRow[]> {
    const { rows, online, signal } = this.#options;
    const [refused] = await Promise.all([rows.flush(), online.commit(commits, signal)]);
    return refused;
  }

  #onlineOf(task: Task): readonly Refusal[] {
    return this.#options.online.takeRefused(task).map((write) => ({ kind: 'online', ...write }));
  }

  /** Writes the results of the transactions that were made; until they are in, there is no next one. */
  async #tell(
    prepared: readonly (readonly [Task, PreparedCommit])[],
    counts: Map<string, number>,
  ): Promise<void> {
    const made = prepared.filter(([task, { results }]) => task.failure === undefined && results.size > 0);
    if (made.length === 0) return;
    for (const [, { results }] of made) this.#add(results, counts);
    try {
      const refused = await this.#options.rows.flush();
      // Their transaction is over: the next one puts them aside. Till then they are owed.
      for (const [task, { results }] of made) task.putAside(refusedOf(results, refused));
    } catch (error) {
      // They stay owed: whoever starts from this commit says them.
      for (const [task] of made) task.failure ??= error;
      throw error;
    }
  }

  #add(tables: TableRows, counts: Map<string, number>): void {
    for (const [table, rows] of tables) {
      this.#options.rows.add(table, rows);
      counts.set(table, (counts.get(table) ?? 0) + rows.length);
    }
  }

  async #commitTask(task: Task, prepared: PreparedCommit, refusals: readonly Refusal[]): Promise<void> {
    const before = task.counters.refused;
    try {
      await task.commit(prepared, refusals);
      const count = task.counters.refused - before;
      if (count > 0)
        this.#options.log.warn(
          { task: task.id, count },
          'what a task wrote was refused for good and went to the dead letters; see `millrace dlq list`',
        );
    } catch (error) {
      if (!isTaskRestart(error)) throw error;
      this.#options.log.warn(
        { task: task.id, code: error.code, error: errorText(error) },
        'a commit failed; the task starts again from its last committed state',
      );
    }
  }
}

/** Those of some rows that were refused. */
function refusedOf(tables: TableRows, refused: readonly RefusedRow[]): readonly Refusal[] {
  if (refused.length === 0) return [];
  const own = new Set([...tables.values()].flat());
  return refused.filter(({ row }) => own.has(row)).map((row) => ({ kind: 'row', ...row }));
}
