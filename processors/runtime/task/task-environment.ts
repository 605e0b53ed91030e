import type { Kafka, TopicPartitionOffset } from '../../../platform/kafka/port.ts';
import type { Scheduler } from '../../../platform/scheduler.ts';
import type { JobDescription } from '../evidence/evidence.ts';
import type { StateMemory } from '../state/state-memory.ts';
import type { RestoreProgress } from '../state/task-state.ts';
import type { WatermarkOptions } from '../time/watermark.ts';
import type { StepWatch } from './step-watch.ts';

/** What the tasks of a process share. */
export interface TaskEnvironment {
  readonly kafka: Kafka;
  readonly groupId: string;
  /** Where present, commits are made at least once, with these offsets; exactly once where absent. */
  readonly commitOffsets?: (offsets: readonly TopicPartitionOffset[]) => Promise<void>;
  readonly watermark: WatermarkOptions;
  /** Name of a topic in the namespace. */
  readonly topicName: (topic: string) => string;
  readonly changelogName: (subtopology: string) => string;
  /** Ids of the tasks that write a topic of the contract; none for topics from outside. */
  readonly upstreamOf: (topic: string) => readonly string[];
  /** Number of partitions of a topic of the contract. */
  readonly partitionsOf: (topic: string) => number;
  /** Bound of the memory that state may take, over all tasks of the process; unbounded where absent. */
  readonly memory?: StateMemory;
  readonly onRestore?: (taskId: string, progress: RestoreProgress) => void;
  /** Told where steps are, so that one that does not return can be seen. */
  readonly watch?: StepWatch;
  /** The system's where absent. */
  readonly scheduler?: Scheduler;
  /** What is written into evidence of the program that decides; where absent, nothing is recorded. */
  readonly job?: JobDescription;
  readonly now: () => number;
  readonly newId: () => string;
}
