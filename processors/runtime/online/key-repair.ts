import { errorText, MillraceError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/log.ts';
import type { OnlineStore, StoredHead } from '../../../platform/online-store/port.ts';
import type { Scheduler } from '../../../platform/scheduler.ts';
import { isCheckpointKey } from '../../../schemas/keys.ts';
import type { Task } from '../task/task.ts';
import type { Checkpoints, Sweep } from './checkpoints.ts';

export interface KeyRepairOptions {
  readonly scheduler: Scheduler;
  readonly store: OnlineStore;
  readonly checkpoints: Checkpoints;
  readonly log: Logger;
  /** Told of what ends the work for good. */
  readonly onFailure: (error: unknown) => void;
}

/** Something that was found, on its way to the store. */
interface Find {
  /** Whether looking has ended; what was found is with the task. */
  isFound: boolean;
  /** Takes of the task by then. */
  takes: number;
  /** Whether the task has handed it out, so that the next flush writes it. */
  isTaken: boolean;
}

const RETRY_MS = 1000;

/**
 * Puts the keys of tasks right from their state, beside their processing: all of them where the store is behind, those that
 * were written ahead of a commit that never came about, and those that nothing in the state stands behind. What it finds is
 * given to the task, which writes it with its flushes.
 */
export class KeyRepair {
  readonly #options: KeyRepairOptions;
  /** Tasks that write everything again; the value tells one loss from the next. */
  readonly #behind = new Map<Task, Find>();
  /** Sweeps whose finds are being written. */
  readonly #swept = new Map<Task, Find & { readonly sweep: Sweep }>();
  #isSweeping = false;

  constructor(options: KeyRepairOptions) {
    this.#options = options;
  }

  /** Has a task write all its keys again. */
  writeAgain(task: Task): void {
    const loss = { isFound: false, takes: 0, isTaken: false };
    this.#behind.set(task, loss);
    this.#options.log.warn(
      { task: task.id },
      'the online store is behind what was committed; the keys of the task are written again from its state',
    );
    void this.#untilDone(task, () => this.#find(task, loss));
  }

  /** Looks for what the past of the tasks has left, where there may be any. */
  maybeSweep(tasks: readonly Task[]): void {
    const { checkpoints } = this.#options;
    const sweeps = new Map(
      tasks.flatMap((task) => {
        const sweep = this.#swept.has(task) ? undefined : checkpoints.sweepOf(task);
        return sweep === undefined ? [] : [[task, sweep] as const];
      }),
    );
    if (this.#isSweeping || sweeps.size === 0) return;
    this.#isSweeping = true;
    void this.#untilDone(undefined, () => this.#sweep(sweeps)).finally(() => {
      this.#isSweeping = false;
    });
  }

  /** A flush has ended: it has written what tasks had handed out when it began. */
  flushed(): void {
    const { checkpoints } = this.#options;
    for (const [task, find] of this.#behind) {
      if (checkpoints.has(task) && !isWritten(task, find)) continue;
      this.#behind.delete(task);
      checkpoints.caughtUp(task);
    }
    for (const [task, find] of this.#swept) {
      if (checkpoints.has(task) && !isWritten(task, find)) continue;
      this.#swept.delete(task);
      checkpoints.swept(task, find.sweep);
    }
  }

  async #find(task: Task, loss: Find): Promise<void> {
    const isCurrent = () => this.#behind.get(task) === loss && this.#options.checkpoints.has(task);
    // What a commit on its way has written is neither changed any more nor in the changelog yet.
    await task.commitEnded();
    if (!isCurrent()) return;
    task.online.beginAgain();
    const times = await task.onlineWriteTimes();
    if (!isCurrent()) return;
    task.online.completeAgain(times);
    Object.assign(loss, { isFound: true, takes: task.online.takes });
    task.online.wantsCommit = true;
  }

  async #sweep(sweeps: ReadonlyMap<Task, Sweep>): Promise<void> {
    const byOwner = new Map(
      [...sweeps].map(([task, sweep]) => [task.id, { sweep, keys: new Map<string, StoredHead>() }]),
    );
    for await (const heads of this.#options.store.scan()) {
      for (const head of heads) {
        const { key, version, owner } = head;
        const own = owner === null ? undefined : byOwner.get(owner);
        if (own === undefined || isCheckpointKey(key)) continue;
        if (version > own.sweep.from && version < own.sweep.below) own.keys.set(key, head);
      }
    }
    for (const [task, sweep] of sweeps) {
      const keys = byOwner.get(task.id)?.keys ?? new Map<string, StoredHead>();
      for (const walk = task.online.reclaim(keys, sweep); walk.next().done !== true; )
        await this.#options.scheduler.yieldToOthers();
      this.#swept.set(task, { sweep, isFound: true, takes: task.online.takes, isTaken: false });
      // Also where nothing was found: the checkpoint is to say so.
      task.online.wantsCommit = true;
    }
  }

  /** Tries again while something does not answer; ends with the task. Never rejects. */
  async #untilDone(task: Task | undefined, work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        if (task !== undefined && !this.#options.checkpoints.has(task)) return;
        if (!(error instanceof MillraceError) || !error.retryable) {
          this.#options.onFailure(error);
          return;
        }
        this.#options.log.warn(
          { code: error.code, error: errorText(error) },
          'keys of the online store cannot be put right yet; this goes on when what it needs answers',
        );
        await this.#options.scheduler.sleep(RETRY_MS);
      }
    }
  }
}

/** Whether the flush that has just ended wrote the last of what was found; moves it on. */
function isWritten(task: Task, find: Find): boolean {
  if (!find.isFound) return false;
  if (find.isTaken) return true;
  find.isTaken = task.online.takes > find.takes && !task.online.hasAgain;
  // An idle task writes the rest with a commit of its own, and says with it that all is right.
  task.online.wantsCommit = true;
  return false;
}
