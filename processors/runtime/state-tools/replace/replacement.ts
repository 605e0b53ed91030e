import { MillraceError } from '../../../../platform/errors.ts';
import type {
  Kafka,
  ProduceRecord,
  TopicPartition,
  TopicPartitionOffset,
  TransactionalProducer,
} from '../../../../platform/kafka/port.ts';
import { isReplacing, replacingMeta } from '../../state/compatibility.ts';
import { encodeMeta, lastMeta, META_KEY, NO_META, type TaskMeta } from '../../state/task-meta.ts';
import { taskTransactionalId } from '../../task/task.ts';
import { changelogPlace, type Application } from '../application.ts';

/** A task whose state is replaced. */
export interface ReplacedTask {
  readonly subtopology: string;
  readonly partition: number;
}

export interface ReplacementOptions {
  readonly kafka: Kafka;
  readonly application: Application;
  readonly tasks: readonly ReplacedTask[];
  readonly now: () => number;
}

/** Records and bytes of one transaction at most. */
const MAX_RECORDS = 5_000;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Replaces the state of tasks of an application that does not run, so that a crash at any point leaves it either as it
 * was, or such that its tasks refuse to start (MR_STATE_REPLACING) until the replacement is done again, or replaced.
 *
 * First the tasks are fenced, and one transaction marks the changelogs of all of them; then whatever has to be written
 * is written, in many transactions; the last one takes all marks away, with the metas and offsets from which the tasks
 * go on. Nothing is read back to find out how far a replacement had come: it is simply done again.
 */
export class Replacement {
  readonly #options: ReplacementOptions;
  readonly #epochs = new Map<string, number>();
  #producer: TransactionalProducer | undefined;

  constructor(options: ReplacementOptions) {
    this.#options = options;
  }

  /**
   * Fences and marks the tasks.
   * @throws MillraceError MR_STATE_RUNNING where the application runs, or was started meanwhile
   */
  async begin(): Promise<void> {
    const { tasks } = this.#options;
    await this.#requireStopped();
    await this.#fence();
    for (const task of tasks) this.#epochs.set(idOf(task), (await this.#metaOf(task)).taskEpoch);
    const marks = await Promise.all(
      tasks.map(async (task) => this.#metaRecord(task, replacingMeta(await this.#metaOf(task)))),
    );
    await this.#commit(marks);
    // Whoever started before the marks were written is fenced now; whoever starts later finds them.
    await this.#fence();
    await this.#requireStopped();
    await this.#renew();
    for (const task of tasks) if (!isReplacing(await this.#metaOf(task))) throw running(1);
  }

  /** The epoch below which a task must never fall: what an older one wrote must always lose. */
  epochOf(task: ReplacedTask): number {
    return this.#epochs.get(idOf(task)) ?? 0;
  }

  /** Writes records in transactions of a bounded size. */
  async write(records: AsyncIterable<ProduceRecord> | Iterable<ProduceRecord>): Promise<void> {
    let batch: ProduceRecord[] = [];
    let bytes = 0;
    for await (const record of records) {
      batch.push(record);
      bytes += (record.value?.length ?? 0) + (record.key?.length ?? 0);
      if (batch.length < MAX_RECORDS && bytes < MAX_BYTES) continue;
      await this.#commit(batch);
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) await this.#commit(batch);
  }

  /** Takes the marks away: all tasks can start, from these metas and offsets. */
  async finish(
    metas: ReadonlyMap<ReplacedTask, TaskMeta>,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<void> {
    const records = [...metas].map(([task, meta]) =>
      this.#metaRecord(task, { ...meta, taskEpoch: Math.max(meta.taskEpoch, this.epochOf(task)) }),
    );
    await this.#commit(records, offsets);
  }

  async close(): Promise<void> {
    await this.#producer?.close();
    this.#producer = undefined;
  }

  async #requireStopped(): Promise<void> {
    const { kafka, application } = this.#options;
    const members = await kafka.admin.groupMembers(application.groupId);
    if (members > 0) throw running(members);
  }

  async #fence(): Promise<void> {
    const { kafka, application, tasks } = this.#options;
    for (const task of tasks) {
      const producer = kafka.transactionalProducer(
        taskTransactionalId(application.groupId, task.subtopology, task.partition),
      );
      try {
        await producer.init();
      } finally {
        await producer.close();
      }
    }
  }

  async #commit(records: readonly ProduceRecord[], offsets: readonly TopicPartitionOffset[] = []) {
    const producer = this.#producer ?? (await this.#renew());
    await producer.commit({ records, offsets });
  }

  /** Takes the id of replacements over: another one is fenced, and what this one has written is there to be read. */
  async #renew(): Promise<TransactionalProducer> {
    await this.close();
    const { kafka, application } = this.#options;
    const { groupId } = application;
    const producer = kafka.transactionalProducer({ transactionalId: `${groupId}|replacement`, groupId });
    this.#producer = producer;
    await producer.init();
    return producer;
  }

  async #metaOf(task: ReplacedTask): Promise<TaskMeta> {
    const { kafka } = this.#options;
    const place = this.#place(task);
    const ranges = await kafka.admin.offsets(place.topic);
    const { start = 0, end = 0 } = ranges.find(({ partition }) => partition === place.partition) ?? {};
    return (await lastMeta(kafka, place, { from: start, end })) ?? NO_META;
  }

  #metaRecord(task: ReplacedTask, meta: TaskMeta): ProduceRecord {
    const { now } = this.#options;
    return { ...this.#place(task), key: META_KEY, value: encodeMeta(meta), timestampMs: now() };
  }

  #place(task: ReplacedTask): TopicPartition {
    return changelogPlace(this.#options.application, task);
  }
}

function idOf({ subtopology, partition }: ReplacedTask): string {
  return `${subtopology}-${partition}`;
}

function running(members: number): MillraceError {
  return new MillraceError(
    'MR_STATE_RUNNING',
    `the application runs: its consumer group has ${members} member${members === 1 ? '' : 's'}`,
    { context: { members } },
  );
}
