/** What the tests of a task's state run on: a changelog in memory and one program after the other. */
import type { Kafka, ProduceRecord, TopicPartition } from '../../../platform/kafka/port.ts';
import { memoryKafka } from '../testing/memory-kafka.ts';
import { TaskState, type CommitMeta, type TaskStateOptions } from './task-state.ts';

export const CHANGELOG: TopicPartition = { topic: 'changelog', partition: 0 };
export const NO_TIME: CommitMeta = {
  watermarkMs: Number.NEGATIVE_INFINITY,
  scopes: {},
  events: {},
  upstream: {},
  positions: {},
  onlineVersion: 0,
};

export class Changelog {
  readonly kafka = memoryKafka();

  /** A task with its stores, before it is restored. */
  declare<T>(
    declare: (state: TaskState) => T,
    options: Partial<TaskStateOptions> = {},
  ): { readonly state: TaskState; readonly declared: T } {
    const state = new TaskState({ taskId: 'job-0', ...options });
    return { state, declared: declare(state) };
  }

  /** A task that starts as a program starts it. */
  async start<T>(declare: (state: TaskState) => T, options: Partial<TaskStateOptions> = {}) {
    const task = this.declare(declare, options);
    await task.state.restore(this.kafka, CHANGELOG);
    task.state.ready();
    return task;
  }

  /** Writes what has changed since the last commit. */
  commit(state: TaskState, meta: Partial<CommitMeta> = {}): readonly ProduceRecord[] {
    state.beforeCommit();
    const records = state.takeChanges(CHANGELOG, { ...NO_TIME, ...meta }, 1_000);
    for (const record of records) this.kafka.append(record);
    return records;
  }

  /** Writes records as they are. */
  append(records: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(records)) {
      const bytes = value === null ? null : Buffer.from(JSON.stringify(value));
      this.kafka.append({ ...CHANGELOG, key, value: bytes, timestampMs: 1_000 });
    }
  }
}

/** The port with what `readToEnd` was asked for and gave. */
export function watchedReads(kafka: Kafka): {
  readonly kafka: Kafka;
  readonly reads: { from: number; records: number }[];
} {
  const reads: { from: number; records: number }[] = [];
  const watched: Kafka = {
    ...kafka,
    async *readToEnd(source) {
      const read = { from: source.fromOffset ?? 0, records: 0 };
      reads.push(read);
      for await (const batch of kafka.readToEnd(source)) {
        read.records += batch.records.length;
        yield batch;
      }
    },
  };
  return { kafka: watched, reads };
}
