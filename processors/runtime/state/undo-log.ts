/**
 * How to take back what a step has done so far. Empty and idle unless `isActive`: then whoever changes something that
 * belongs to the task notes first how to restore it.
 */
export class UndoLog {
  /** Whether changes are noted. Costs what is touched a copy, so only where a step has thrown before. */
  isActive = false;
  #undos: (() => void)[] = [];
  #steps = 0;

  /** Grows with each {@link clear}: what was noted for one step need not be noted again before the next. */
  get step(): number {
    return this.#steps;
  }

  /** `undo` restores what is about to change. */
  note(undo: () => void): void {
    this.#undos.push(undo);
  }

  /** Takes back everything that was noted since the last {@link clear}, the latest first. */
  rollback(): void {
    const undos = this.#undos;
    this.clear();
    this.suspended(() => {
      for (let index = undos.length - 1; index >= 0; index--) undos[index]?.();
    });
  }

  /** What was done stands. */
  clear(): void {
    this.#steps += 1;
    if (this.#undos.length > 0) this.#undos = [];
  }

  /** Runs something as a step of its own; where it throws, nothing of it stands. */
  attempt<T>(run: () => T): T {
    const { isActive } = this;
    this.clear();
    this.isActive = true;
    try {
      return run();
    } catch (error) {
      this.rollback();
      throw error;
    } finally {
      this.clear();
      this.isActive = isActive;
    }
  }

  /** Runs what is no part of a step: nothing of it is noted. */
  suspended(run: () => void): void {
    const { isActive } = this;
    this.isActive = false;
    try {
      run();
    } finally {
      this.isActive = isActive;
    }
  }
}
