import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../../../platform/kafka/port.ts';
import { isTaskRestart, Task, type TaskEnvironment } from './task.ts';
import type { Subtopology } from '../topology.ts';

export interface TaskSetOptions {
  readonly subtopologies: readonly Subtopology[];
  readonly env: TaskEnvironment;
  readonly seek: (position: TopicPartitionOffset) => void;
  /** Told of each task that is closed. */
  readonly onGone: (task: Task) => void;
  /** Told of each task that starts again, with the reason. */
  readonly onRestart: (task: Task) => void;
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
  readonly #tasks = new Map<string, Task>();
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: TaskSetOptions) {
    this.#options = options;
    for (const subtopology of options.subtopologies) {
      for (const topic of subtopology.inputs) {
        const name = options.env.topicName(topic);
        if (this.#byTopic.has(name)) throw new Error(`${topic} feeds two sub-topologies`);
        this.#byTopic.set(name, { subtopology, topic });
      }
    }
  }

  /** Names of all input topics. */
  get topics(): readonly string[] {
    return [...this.#byTopic.keys()];
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
    const task = input && this.#tasks.get(taskId(input.subtopology, batch.partition));
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
        if (subtopology !== undefined) wanted.set(taskId(subtopology, partition), { subtopology, partition });
      }
      await this.#closeAll(this.tasks.filter((task) => !wanted.has(task.id)));
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
          await this.#begin(task.subtopology, task.partition);
        }),
      );
      return failed.every((task) => !task.isFruitless);
    });
  }

  /** Has every task read on from where it is; what was fetched and not yet delivered is fetched again. */
  seekAll(): void {
    for (const task of this.#tasks.values()) this.seek(task);
  }

  seek(task: Task): void {
    if (task.failure !== undefined) return;
    for (const [topic, offset] of task.positions) {
      this.#options.seek({ topic: this.#options.env.topicName(topic), partition: task.partition, offset });
    }
  }

  /** Closes every task, those of an assignment under way included. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#inTurn(() => this.#closeAll(this.tasks));
  }

  async #begin(subtopology: Subtopology, partition: number): Promise<void> {
    const task = new Task(subtopology, partition, this.#options.env);
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

function taskId(subtopology: Subtopology, partition: number): string {
  return `${subtopology.name}-${partition}`;
}
