import type { OnlineStore } from '../../../platform/online-store/port.ts';
import { checkpointKey, TTL_MS } from '../../../schemas/keys.ts';
import type { Task } from '../task/task.ts';
import { compare, decodeCheckpoint, encodeCheckpoint, NO_CHECKPOINT, type Checkpoint } from './checkpoint.ts';

/** What is known of a task's checkpoint. */
interface Known {
  /** Version of the record in the store; null where there is none. */
  version: number | null;
  /** What that record says. */
  stored: Checkpoint;
  /** Versions of writes whose outcome is not known. */
  readonly tried: Set<number>;
  /** Version of the newest write that the store has taken. */
  flushed: number;
  /** Whether the store is behind: `done` stays 0 until everything was written again. */
  isBehind: boolean;
  /** As in {@link Checkpoint}, with what is known by now. */
  sweepFrom: number | null;
  /** Below it are the writes from before the task knew of the store. */
  sweepBelow: number;
  /** Another start of the task has taken over: it alone speaks for the task. */
  isSuperseded: boolean;
}

/** The writes of a task's past that may be of no commit. */
export interface Sweep {
  readonly from: number;
  readonly below: number;
  /** Whether those that the state stands behind are to be written anew too. */
  readonly anew: boolean;
}

export interface CheckpointEvents {
  /** Told of a task whose keys have to be written again, each time that it is noticed. */
  onBehind(task: Task): void;
  /** Told of a task of which the store has writes of a later start. */
  onSuperseded(task: Task): void;
}

/** Losses found one after the other by one write before it is left to the next one. */
const MAX_ATTEMPTS = 5;

/** The checkpoints of the tasks of a process. One call at a time. */
export class Checkpoints {
  readonly #store: OnlineStore;
  readonly #events: CheckpointEvents;
  readonly #known = new Map<Task, Known>();

  constructor(store: OnlineStore, events: CheckpointEvents) {
    this.#store = store;
    this.#events = events;
  }

  /** Says before the next writes of tasks that the store may be ahead of what is committed. */
  async open(tasks: readonly Task[]): Promise<void> {
    const own = tasks.filter((task) => !task.online.isEmpty);
    await this.#meet(own.filter((task) => !this.#known.has(task)));
    const closed = own.filter((task) => this.#known.get(task)?.stored.isOpen === false);
    await this.#write(closed, (known) => ({ ...present(known), isOpen: true }));
  }

  /** Notes what the store has taken of a task. */
  flushed(task: Task, version: number): void {
    const known = this.#known.get(task);
    if (known !== undefined) known.flushed = Math.max(known.flushed, version);
  }

  /** Says which writes of each task the store has whole, before the transaction that commits them. */
  async settle(commits: ReadonlyMap<Task, number>): Promise<void> {
    const next = (known: Known, task: Task): Checkpoint => {
      const done = commits.get(task) ?? 0;
      return known.isBehind ? present(known) : { ...present(known), done, isOpen: known.flushed > done };
    };
    const changed = [...commits.keys()].filter((task) => {
      const known = this.#known.get(task);
      return known !== undefined && encodeCheckpoint(known.stored) !== encodeCheckpoint(next(known, task));
    });
    await this.#write(changed, next);
  }

  /** Looks whether the store still has what was said last of each task. */
  async verify(tasks: readonly Task[]): Promise<void> {
    const own = tasks.filter((task) => !task.online.isEmpty);
    const met = own.filter((task) => this.#known.has(task));
    await this.#meet(own.filter((task) => !this.#known.has(task)));
    await this.#look(met);
  }

  sweepOf(task: Task): Sweep | undefined {
    const known = this.#known.get(task);
    if (known === undefined || known.sweepFrom === null || known.isSuperseded) return undefined;
    return { from: known.sweepFrom, below: known.sweepBelow, anew: !known.isBehind };
  }

  /** The past of a task is in order, as far as a sweep saw it; its next commit says so. */
  swept(task: Task, { from, below }: Sweep): void {
    const known = this.#known.get(task);
    if (known?.sweepFrom === from && known.sweepBelow === below) known.sweepFrom = null;
  }

  /** Everything was written again. */
  caughtUp(task: Task): void {
    const known = this.#known.get(task);
    if (known !== undefined) known.isBehind = false;
  }

  /** Whether the task is still one of this process, and known here. */
  has(task: Task): boolean {
    return this.#known.has(task);
  }

  forget(task: Task): void {
    this.#known.delete(task);
  }

  /** Compares what the store says of tasks that have just started with what Kafka says. */
  async #meet(tasks: readonly Task[]): Promise<void> {
    if (tasks.length === 0) return;
    const records = await this.#store.readRecords(tasks.map(({ id }) => checkpointKey(id)));
    const unclear: Task[] = [];
    tasks.forEach((task, index) => {
      const record = records[index] ?? null;
      const stored = decodeCheckpoint(record?.value ?? null);
      const isSuperseded = (record?.version ?? 0) > task.outputs.epochEnd;
      // A task that starts for the first time has nothing that the store could lack.
      const isFirst = stored === undefined && task.outputs.taskEpoch === 1;
      const { isBehind, sweepFrom } = isFirst
        ? { isBehind: false, sweepFrom: null }
        : compare(stored, task.committedOnlineVersion);
      this.#known.set(task, {
        ...{
          version: record?.version ?? null,
          stored: stored ?? NO_CHECKPOINT,
          tried: new Set(),
          flushed: 0,
        },
        ...{ isBehind, sweepFrom, sweepBelow: task.outputs.epochStart, isSuperseded },
      });
      if (isSuperseded) this.#events.onSuperseded(task);
      else if (isBehind || sweepFrom !== null) unclear.push(task);
      if (isBehind && !isSuperseded) this.#events.onBehind(task);
    });
    // Kept before the next commit makes it look as if there had been nothing.
    await this.#write(unclear, (known) => ({ ...present(known), isOpen: true }));
  }

  async #write(tasks: readonly Task[], next: (known: Known, task: Task) => Checkpoint): Promise<void> {
    let waiting = tasks;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      waiting = waiting.filter((task) => this.#known.get(task)?.isSuperseded === false);
      if (waiting.length === 0) return;
      waiting = await this.#tryWrite(waiting, next);
      await this.#look(waiting);
    }
  }

  /** @returns the tasks of which the store does not have what was expected */
  async #tryWrite(
    tasks: readonly Task[],
    next: (known: Known, task: Task) => Checkpoint,
  ): Promise<readonly Task[]> {
    const writes = tasks.flatMap((task) => {
      const known = this.#known.get(task);
      if (known === undefined) return [];
      const version = task.outputs.nextVersion();
      known.tried.add(version);
      return [{ task, known, version, checkpoint: next(known, task), expected: known.version }];
    });
    const set = await this.#store.setIfVersion(
      writes.map(({ task, version, checkpoint, expected }) => ({
        ...{ key: checkpointKey(task.id), value: encodeCheckpoint(checkpoint), owner: task.id },
        ...{ version, expected, ttlMs: TTL_MS.checkpoint },
      })),
    );
    return writes.flatMap(({ task, known, version, checkpoint }, index) => {
      if (set[index] !== true) return [task];
      Object.assign(known, { version, stored: checkpoint });
      known.tried.clear();
      return [];
    });
  }

  /** Looks where the checkpoints of tasks stand, and which of them are not as they were left. */
  async #look(tasks: readonly Task[]): Promise<void> {
    if (tasks.length === 0) return;
    const records = await this.#store.readRecords(tasks.map(({ id }) => checkpointKey(id)));
    tasks.forEach((task, index) => {
      const known = this.#known.get(task);
      const record = records[index] ?? null;
      const version = record?.version ?? null;
      if (known === undefined || known.isSuperseded || version === known.version) return;
      const stored = decodeCheckpoint(record?.value ?? null);
      known.version = version;
      if (version !== null && known.tried.has(version) && stored !== undefined) {
        known.stored = stored;
        return;
      }
      if (version !== null && version > task.outputs.epochEnd) {
        known.isSuperseded = true;
        this.#events.onSuperseded(task);
        return;
      }
      Object.assign(known, { stored: stored ?? NO_CHECKPOINT, isBehind: true, sweepFrom: 0 });
      known.sweepBelow = task.outputs.nextVersion();
      this.#events.onBehind(task);
    });
  }
}

/** What is true of a task now, apart from what follows. */
function present({ stored, isBehind, sweepFrom }: Known): Checkpoint {
  return { done: isBehind ? 0 : stored.done, isOpen: stored.isOpen, sweepFrom };
}
