import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../../../platform/kafka/port.ts';
import { placeOf, stuckRefusal, type StepFaults } from './step-guard.ts';
import type { StuckRecord } from './step-watch.ts';
import { isTaskRestart, Task, taskId } from './task.ts';
import type { TaskEnvironment } from './task-environment.ts';
import type { Subtopology } from '../topology.ts';

export interface TaskSetOptions {
  readonly subtopologies: readonly Subtopology[];
  readonly env: TaskEnvironment;
  readonly seek: (position: TopicPartitionOffset) => void;
  /** Told of each task that is closed. */
  readonly onGone: (task: Task) => void;
  /** Told of each task that starts again, with the reason. */
  readonly onRestart: (task: Task) => void;
  /** Whether changelog partitions that are assigned are followed, so that their tasks can be taken over at once. */
  readonly withStandbys?: boolean;
  /** Records that are passed over, since a step did not return from them before. */
  readonly stuck?: readonly StuckRecord[];
  /** Told of a copy that cannot be kept: its task would start from nothing here. */
  readonly onStandbyFailed?: (taskId: string, error: unknown) => void;
}

/** A copy of the state of another member's task. */
interface Standby {
  readonly task: Task;
  following: Promise<void> | undefined;
}

interface Input {
  readonly subtopology: Subtopology;
  /** Name in the contract. */
  readonly topic: string;
}

/** A batch and the task that it is for. */
export interface Delivery {
  readonly task: Task;
  /** Name in the contract. */
  readonly topic: string;
  readonly batch: RecordBatch;
}

/**
 * The tasks that this process owns. Assignments and restarts change the set, one after the other; the successor of a
 * task is another object, by which the reader can tell that a batch was fetched for its predecessor.
 */
export class TaskSet {
  readonly #options: TaskSetOptions;
  readonly #byTopic = new Map<string, Input>();
  /** Sub-topologies by the names of their changelogs, where those are followed. */
  readonly #byChangelog = new Map<string, Subtopology>();
  readonly #tasks = new Map<string, Task>();
  readonly #standbys = new Map<string, Standby>();
  /** Tasks on their way: where one cannot start, the others still do when the assignment has failed. */
  readonly #beginning = new Set<Promise<void>>();
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: TaskSetOptions) {
    this.#options = options;
    for (const subtopology of options.subtopologies) {
      for (const { topic } of subtopology.inputs) {
        const name = options.env.topicName(topic);
        if (this.#byTopic.has(name)) throw new Error(`${topic} feeds two sub-topologies`);
        this.#byTopic.set(name, { subtopology, topic });
      }
      if (options.withStandbys === true)
        this.#byChangelog.set(options.env.changelogName(subtopology.name), subtopology);
    }
  }

  /** Names of all topics of the group: inputs, and changelogs where they are followed. */
  get topics(): readonly string[] {
    return [...this.#byTopic.keys(), ...this.#byChangelog.keys()];
  }

  /** Ids of the tasks of other members whose state is kept here too. */
  get standbys(): readonly string[] {
    return [...this.#standbys.keys()];
  }

  get tasks(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  get hasFailed(): boolean {
    return this.tasks.some((task) => task.failure !== undefined);
  }

  /** The task that a batch is for now; undefined where it is not ours or has failed. */
  deliveryOf(batch: RecordBatch): Delivery | undefined {
    const input = this.#byTopic.get(batch.topic);
    const task = input && this.#tasks.get(taskId(input.subtopology.name, batch.partition));
    if (input === undefined || task === undefined || task.failure !== undefined) return undefined;
    return { task, topic: input.topic, batch };
  }

  /** The full new assignment: tasks that stay go on where they are, new ones are restored, the others are closed. */
  assign(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) return;
      const wanted = new Map<string, { readonly subtopology: Subtopology; readonly partition: number }>();
      for (const { topic, partition } of partitions) {
        const subtopology = this.#byTopic.get(topic)?.subtopology;
        if (subtopology !== undefined)
          wanted.set(taskId(subtopology.name, partition), { subtopology, partition });
      }
      await this.#closeAll(this.tasks.filter((task) => !wanted.has(task.id)));
      await this.#placeStandbys(partitions, wanted);
      const missing = [...wanted].filter(([id]) => !this.#tasks.has(id));
      await Promise.all(missing.map(([, { subtopology, partition }]) => this.#begin(subtopology, partition)));
      this.seekAll();
    });
  }

  /**
   * Starts failed tasks again from their last committed state. Kafka may still be down: then they stay failed.
   * @returns whether that promises something: false where one of them failed the same way at each start
   */
  restartFailed(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#closed) return true;
      const failed = this.tasks.filter((task) => task.failure !== undefined);
      await this.#closeAll(failed);
      await Promise.all(
        failed.map(async (task) => {
          this.#options.onRestart(task);
          await this.#begin(task.subtopology, task.partition, task.faults);
        }),
      );
      return failed.every((task) => !task.isFruitless);
    });
  }

  /** Brings the copies of other members' states up to date. Never rejects: a copy that fails is given up or tried again. */
  async follow(): Promise<void> {
    await Promise.all(
      [...this.#standbys.values()].map(async (standby) => {
        standby.following ??= this.#follow(standby.task).finally(() => (standby.following = undefined));
        await standby.following;
      }),
    );
  }

  /** Has every task fetch on from where it is; what was fetched and not yet delivered is fetched again. */
  seekAll(): void {
    for (const task of this.#tasks.values()) this.seek(task);
  }

  seek(task: Task): void {
    if (task.failure !== undefined) return;
    for (const { topic, fetchPosition: offset } of task.queues) {
      this.#options.seek({ topic: this.#options.env.topicName(topic), partition: task.partition, offset });
    }
  }

  /** Closes every task, those of an assignment under way, or of one that failed, included. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#inTurn(async () => {
      await Promise.allSettled(this.#beginning);
      await this.#dropStandbys([...this.#standbys.keys()]);
      await this.#closeAll(this.tasks);
    });
  }

  #begin(subtopology: Subtopology, partition: number, faults?: StepFaults): Promise<void> {
    const begun = this.#start(subtopology, partition, faults).finally(() => this.#beginning.delete(begun));
    this.#beginning.add(begun);
    return begun;
  }

  async #start(subtopology: Subtopology, partition: number, faults?: StepFaults): Promise<void> {
    const task = (await this.#promoted(subtopology, partition)) ?? this.#make(subtopology, partition, faults);
    try {
      await task.start();
    } catch (error) {
      if (!isTaskRestart(error)) {
        await task.close();
        throw error;
      }
      task.failure = error;
    }
    // In one step: no poll may begin for the new task that still reads where its predecessor was.
    this.#tasks.set(task.id, task);
    this.seek(task);
  }

  #make(subtopology: Subtopology, partition: number, faults?: StepFaults): Task {
    return new Task(
      subtopology,
      partition,
      this.#options.env,
      faults ?? this.#stuckIn(subtopology, partition),
    );
  }

  #stuckIn({ inputs }: Subtopology, partition: number): StepFaults | undefined {
    const own = (this.#options.stuck ?? []).filter(
      (record) => record.partition === partition && inputs.some(({ topic }) => topic === record.topic),
    );
    if (own.length === 0) return undefined;
    return { poisoned: new Map(own.map((record) => [placeOf(record), stuckRefusal(record.timeoutMs)])) };
  }

  /** Of a task that comes here: its copy, where there is one, as up to date as it is. */
  async #promoted({ name }: Subtopology, partition: number): Promise<Task | undefined> {
    const standby = this.#standbys.get(taskId(name, partition));
    if (standby === undefined) return undefined;
    await standby.following;
    // Following may have failed just now, and then it is no copy any more.
    return this.#standbys.delete(standby.task.id) ? standby.task : undefined;
  }

  async #placeStandbys(
    partitions: readonly TopicPartition[],
    active: ReadonlyMap<string, unknown>,
  ): Promise<void> {
    const wanted = new Set<string>();
    for (const { topic, partition } of partitions) {
      const subtopology = this.#byChangelog.get(topic);
      if (subtopology === undefined) continue;
      const id = taskId(subtopology.name, partition);
      wanted.add(id);
      if (this.#standbys.has(id) || active.has(id)) continue;
      const task = this.#make(subtopology, partition);
      this.#standbys.set(id, { task, following: undefined });
    }
    await this.#dropStandbys([...this.#standbys.keys()].filter((id) => !wanted.has(id) && !active.has(id)));
  }

  async #dropStandbys(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const standby = this.#standbys.get(id);
      this.#standbys.delete(id);
      await standby?.following;
      await standby?.task.close();
    }
  }

  async #follow(task: Task): Promise<void> {
    try {
      await task.follow();
    } catch (error) {
      if (isTaskRestart(error)) return; // Kafka is away: the next call goes on
      this.#options.onStandbyFailed?.(task.id, error);
      this.#standbys.delete(task.id);
      await task.close();
    }
  }

  async #closeAll(tasks: readonly Task[]): Promise<void> {
    for (const task of tasks) {
      this.#tasks.delete(task.id);
      this.#options.onGone(task);
    }
    await Promise.all(tasks.map((task) => task.close()));
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#last.then(change);
    this.#last = run.catch(() => undefined); // its caller has the error
    return run;
  }
}
