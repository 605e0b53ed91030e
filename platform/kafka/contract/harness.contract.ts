import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../errors.ts';
import type {
  Assign,
  GroupConsumer,
  Kafka,
  LogRecord,
  RecordBatch,
  TopicPartition,
  TransactionalId,
  TransactionalProducer,
} from '../port.ts';

/** One engine behind the port, opened for a suite. */
export interface KafkaUnderTest {
  readonly kafka: Kafka;
  /** Closes and opens the same log again; absent where the log lives in another process. */
  readonly reopen?: () => Promise<Kafka>;
  readonly close: () => Promise<void>;
}

/** Gives the suites the engine that is open now, since a reopening replaces it. */
export type Engine = () => KafkaUnderTest;

/** Long enough for a group of a loaded real broker to settle; a passing test never waits this long. */
const deadlineMs = 60_000;

/** Waits until the condition holds; fails with its description at the deadline. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > deadlineMs) throw new Error(`timed out waiting until ${what}`);
    await sleep(20);
  }
}

export function randomName(prefix: string): string {
  return `${prefix}-${randomUUID()}`;
}

/** Creates a topic with a name of its own. */
export async function newTopic(
  kafka: Kafka,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<string> {
  const topic = randomName('mr-contract');
  await kafka.admin.ensureTopics([{ topic, partitions, config }]);
  return topic;
}

/** Partition p of each topic goes to member p modulo the number of members: tasks stay together. */
export const byPartition: Assign = (members, topics) => {
  const sorted = members.map(({ memberId }) => memberId).sort();
  const answer = new Map(sorted.map((member): [string, TopicPartition[]] => [member, []]));
  for (const [topic, partitions] of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      answer.get(sorted[partition % sorted.length] ?? '')?.push({ topic, partition });
    }
  }
  return answer;
};

/** Every record of a partition, read without a group. */
export async function readAll(
  kafka: Kafka,
  source: TopicPartition & { readonly fromOffset?: number },
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of kafka.readToEnd(source)) records.push(...batch.records);
  return records;
}

/** The values of a partition as text. */
export async function readValues(kafka: Kafka, topic: string, partition: number): Promise<(string | null)[]> {
  return (await readAll(kafka, { topic, partition })).map((record) => text(record.value));
}

export function text(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('utf8');
}

/** A transactional producer that has fenced its elders. */
export async function initialised(kafka: Kafka, id: TransactionalId): Promise<TransactionalProducer> {
  const producer = kafka.transactionalProducer(id);
  await producer.init();
  return producer;
}

/** Where a member starts each partition that it is given; undefined leaves the partition unsought. */
type StartAt = (partition: TopicPartition) => Promise<number | undefined>;

/** A group member that polls in the background and keeps what it saw. */
export class Member {
  readonly consumer: GroupConsumer;
  readonly batches: RecordBatch[] = [];
  readonly events: { readonly kind: 'assigned' | 'revoked'; readonly partitions: string[] }[] = [];
  assigned: readonly TopicPartition[] = [];
  failure: Error | undefined;
  #running = true;
  #loop: Promise<void> = Promise.resolve();
  readonly #startAt: StartAt;

  constructor(consumer: GroupConsumer, startAt: StartAt) {
    this.consumer = consumer;
    this.#startAt = startAt;
  }

  async start(): Promise<void> {
    await this.consumer.start({
      onAssigned: async (partitions) => {
        for (const partition of partitions) {
          const offset = await this.#startAt(partition);
          if (offset !== undefined) this.consumer.seek({ ...partition, offset });
        }
        this.assigned = partitions;
        this.events.push({ kind: 'assigned', partitions: names(partitions) });
      },
      onRevoked: async (partitions) => {
        this.assigned = [];
        this.events.push({ kind: 'revoked', partitions: names(partitions) });
      },
    });
    this.#loop = this.#poll();
  }

  async #poll(): Promise<void> {
    while (this.#running) {
      try {
        this.batches.push(...(await this.consumer.poll(200)));
      } catch (error) {
        if (error instanceof MillraceError && error.retryable) continue;
        this.failure = error instanceof Error ? error : new Error(String(error));
        return;
      }
    }
  }

  /** Values seen, in the order of delivery, of one partition or of all. */
  values(partition?: number): (string | null)[] {
    return this.batches
      .filter((batch) => partition === undefined || batch.partition === partition)
      .flatMap((batch) => batch.records.map((record) => text(record.value)));
  }

  /** Waits until the condition holds; a poll that failed for good fails the wait. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, () => {
      if (this.failure !== undefined) throw this.failure;
      return condition();
    });
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
    await this.consumer.close();
  }
}

/** The members of one test; stops what the test left running. */
export class Members {
  readonly #all: Member[] = [];

  /** Joins a member that starts each partition where `startAt` says, at offset 0 where absent. */
  async join(kafka: Kafka, groupId: string, topics: readonly string[], startAt?: StartAt): Promise<Member> {
    const consumer = kafka.groupConsumer({ groupId, topics, assign: byPartition });
    const member = new Member(consumer, startAt ?? (async () => 0));
    this.#all.push(member);
    await member.start();
    return member;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((member) => member.stop()));
  }
}

/** Starts at the committed offset, at 0 where there is none. */
export function fromCommitted(kafka: Kafka, groupId: string): StartAt {
  return async ({ topic, partition }) => {
    const committed = await kafka.admin.committed(groupId, topic);
    return committed.find((entry) => entry.partition === partition)?.offset ?? 0;
  };
}

export function names(partitions: readonly TopicPartition[]): string[] {
  return partitions.map((partition) => `${partition.topic}/${partition.partition}`).sort();
}
