import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts';
import type { EngineInfo } from '../../engine-info.ts';
import { MillraceError } from '../../errors.ts';
import type { KafkaAdmin, TopicPartitionOffset, TopicSpec } from '../port.ts';
import { requireMatch } from '../topic-match.ts';
import type { Journal } from './journal.ts';
import type { MetaOperation } from './meta-operation.ts';
import { openGroup, writeFailed } from './producer.ts';

/** Kafka's own limits of a topic name; a partition number must fit beside a topic id in one number. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const MAX_PARTITIONS = 10_000;

export class EmbeddedAdmin implements KafkaAdmin {
  readonly #journal: Journal;
  readonly #membersOf: (groupId: string) => number;
  /** Changes of topics run one after the other: each looks at what the one before left. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal, membersOf: (groupId: string) => number) {
    this.#journal = journal;
    this.#membersOf = membersOf;
  }

  ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const byName = new Map(topics.map((spec) => [spec.topic, spec]));
    return this.#change(() => [...byName.values()].flatMap((spec) => this.#creation(spec)));
  }

  deleteTopics(topics: readonly string[]): Promise<void> {
    return this.#change(() =>
      topics.flatMap((name): MetaOperation[] => {
        const topic = this.#journal.state.topic(name);
        return topic === undefined ? [] : [{ op: 'delete-topic', topicId: topic.id }];
      }),
    );
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const name of topics) {
      const topic = this.#journal.state.topic(name);
      if (topic !== undefined) counts.set(name, topic.partitions.length);
    }
    return counts;
  }

  async topicNames(): Promise<readonly string[]> {
    return [...this.#journal.state.topics].map((topic) => topic.name).sort();
  }

  async topicSettings(
    topics: readonly string[],
  ): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    const settings = new Map<string, Readonly<Record<string, string>>>();
    for (const name of topics) {
      const topic = this.#journal.state.topic(name);
      if (topic !== undefined) settings.set(name, topic.config);
    }
    return settings;
  }

  async offsets(name: string): Promise<readonly { partition: number; start: number; end: number }[]> {
    const topic = this.#journal.state.topic(name);
    if (topic === undefined) throw mismatch('no such topic', { topic: name });
    return topic.partitions.map(({ partition, start, end }) => ({ partition, start, end }));
  }

  /** A transaction is one frame: nobody sees it before it is whole. */
  async isSettled(): Promise<boolean> {
    return true;
  }

  async committed(groupId: string, topic: string): Promise<readonly TopicPartitionOffset[]> {
    return this.#journal.state.committed(groupId, topic);
  }

  async groupMembers(groupId: string): Promise<number> {
    return this.#membersOf(groupId);
  }

  #change(plan: () => readonly MetaOperation[]): Promise<void> {
    const change = this.#changes.then(async () => {
      const operations = plan();
      const group = openGroup(this.#journal);
      group.operations.push(...operations);
      await group.done.catch((cause: unknown) => {
        throw writeFailed(cause);
      });
    });
    // The caller hears of a failure; the next change does not depend on it.
    this.#changes = change.catch(() => undefined);
    return change;
  }

  #creation(spec: TopicSpec): MetaOperation[] {
    const { topic, partitions, config = {} } = spec;
    if (
      !TOPIC_NAME.test(topic) ||
      !Number.isInteger(partitions) ||
      partitions < 1 ||
      partitions > MAX_PARTITIONS
    ) {
      throw mismatch('no valid topic name or partition count', { topic, partitions });
    }
    const found = this.#journal.state.topic(topic);
    if (found !== undefined) {
      requireMatch(spec, { partitions: found.partitions.length, settings: found.config });
      return [];
    }
    const id = this.#journal.state.takeTopicId();
    const empty = Array.from({ length: partitions }, () => [0, 0] as const);
    return [{ op: 'topic', topic: { id, topic, config, partitions: empty, cleanBytes: 0 } }];
  }
}

/** What the log says of itself: it is as old as the package that it is part of. */
export function embeddedInfo(dir: string): EngineInfo {
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { engine: 'embedded log', version, where: dir };
}

function mismatch(message: string, context: Readonly<Record<string, string | number>>): MillraceError {
  return new MillraceError('MR_KAFKA_TOPIC_MISMATCH', message, { context });
}
