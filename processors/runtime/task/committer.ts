import { errorText } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/log.ts';
import type { OnlineSink, RowWriter } from './sinks.ts';
import { isTaskRestart, type PreparedCommit, type Task } from './task.ts';

export interface CommitterOptions {
  readonly rows: RowWriter;
  readonly online: OnlineSink;
  /** Ends the waiting for a store that is down. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Told of each commit: rows by table, duration. */
  readonly onCommit?: (commit: { readonly rows: ReadonlyMap<string, number>; readonly ms: number }) => void;
}

/**
 * Commits tasks, one commit at a time: rows and online writes are acknowledged first, then outputs, changelog and
 * offsets move in one Kafka transaction for each task. Facts and window results are idempotent, so that what the sinks
 * have taken may be said again.
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
    const startedMs = performance.now();
    const tasks = all.filter((task) => task.failure === undefined && task.hasWork);
    if (tasks.length === 0) return;
    const prepared = tasks.flatMap((task) => this.#prepare(task));
    const counts = this.#addRows(prepared.map(([, commit]) => commit));
    try {
      await this.#flushSinks(new Map(prepared));
    } catch (error) {
      for (const task of tasks) task.failure ??= error;
      throw error;
    }
    await Promise.all(prepared.map(([task, commit]) => this.#commitTask(task, commit)));
    this.commits += 1;
    const ms = performance.now() - startedMs;
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

  async #flushSinks(commits: ReadonlyMap<Task, PreparedCommit>): Promise<void> {
    const { rows, online, signal } = this.#options;
    await Promise.all([rows.flush(), online.commit(commits, signal)]);
  }

  #addRows(commits: readonly PreparedCommit[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { rows } of commits) {
      for (const [table, tableRows] of rows) {
        this.#options.rows.add(table, tableRows);
        counts.set(table, (counts.get(table) ?? 0) + tableRows.length);
      }
    }
    return counts;
  }

  async #commitTask(task: Task, prepared: PreparedCommit): Promise<void> {
    try {
      await task.commit(prepared);
    } catch (error) {
      if (!isTaskRestart(error)) throw error;
      this.#options.log.warn(
        { task: task.id, code: error.code, error: errorText(error) },
        'a commit failed; the task starts again from its last committed state',
      );
    }
  }
}
