import { MillraceError } from '../../errors.ts';
import type { KafkaAdmin, TopicPartition, TopicSpec } from '../port.ts';
import { requireMatch } from '../topic-match.ts';
import { untilDone } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import { committedOffsets, groupMembers, listOffsets } from './offsets.ts';
import {
  brokerError,
  NONE,
  NOT_CONTROLLER,
  REQUEST_TIMED_OUT,
  STALE_LEADER,
  TOPIC_ALREADY_EXISTS,
  UNKNOWN_TOPIC_OR_PARTITION,
} from './protocol/error-codes.ts';
import { DESCRIBE_CONFIGS } from './protocol/config-api.ts';
import { CREATE_TOPICS, DELETE_TOPICS } from './protocol/metadata-api.ts';
import { learnTopics } from './route.ts';

const DEADLINE_MS = 30_000;
const BROKER_TIMEOUT_MS = 10_000;

/** Topics and offsets. Every call works on fresh metadata. */
export function createAdmin(client: ClusterClient): KafkaAdmin {
  const countsOf = async (topics: readonly string[]): Promise<ReadonlyMap<string, number>> =>
    untilDone(
      async () => {
        if (topics.length === 0) return { done: new Map() };
        const metadata = await client.refresh(topics);
        const counts = new Map<string, number>();
        for (const { topic, errorCode, partitions } of metadata.topics) {
          if (errorCode === NONE) counts.set(topic, partitions.length);
          else if (errorCode !== UNKNOWN_TOPIC_OR_PARTITION && STALE_LEADER.has(errorCode))
            return { again: brokerError(errorCode, 'describe a topic', { code: 'MR_KAFKA_UNAVAILABLE' }) };
          else if (errorCode !== UNKNOWN_TOPIC_OR_PARTITION)
            throw brokerError(errorCode, 'describe a topic', { context: { topic } });
        }
        return { done: counts };
      },
      { scheduler: client.scheduler, deadlineMs: DEADLINE_MS },
    );

  const partitionsOf = async (topic: string): Promise<readonly TopicPartition[]> => {
    await learnTopics(client, [topic]);
    return Array.from({ length: client.partitionCount(topic) ?? 0 }, (_, partition) => ({
      topic,
      partition,
    }));
  };

  /** Asks the controller; another one may have taken over meanwhile. */
  const askController = async (
    doing: string,
    ask: (
      node: number,
    ) => Promise<{ results: readonly { topic: string; errorCode: number; message: string | null }[] }>,
    fine: ReadonlySet<number>,
  ): Promise<void> =>
    untilDone(
      async () => {
        const { controllerId } = await client.refresh([]);
        const { results } = await ask(controllerId);
        const bad = results.find(({ errorCode }) => errorCode !== NONE && !fine.has(errorCode));
        if (bad === undefined) return { done: undefined };
        const again = brokerError(bad.errorCode, doing, {
          code:
            bad.errorCode === NOT_CONTROLLER || bad.errorCode === REQUEST_TIMED_OUT
              ? 'MR_KAFKA_UNAVAILABLE'
              : 'MR_KAFKA_FAILED',
          context: { topic: bad.topic, reason: bad.message ?? undefined },
        });
        if (again.code === 'MR_KAFKA_FAILED') throw again;
        return { again };
      },
      { scheduler: client.scheduler, deadlineMs: DEADLINE_MS },
    );

  const settingsOf = async (
    topics: readonly string[],
  ): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> =>
    untilDone(
      async () => {
        const settings = new Map<string, Readonly<Record<string, string>>>();
        if (topics.length === 0) return { done: settings };
        const answer = await client.call('any', DESCRIBE_CONFIGS, { topics });
        for (const { topic, errorCode, settings: found } of answer.topics) {
          if (errorCode === NONE) settings.set(topic, found);
          else if (errorCode === REQUEST_TIMED_OUT)
            return { again: brokerError(errorCode, 'describe a topic', { code: 'MR_KAFKA_UNAVAILABLE' }) };
          else if (errorCode !== UNKNOWN_TOPIC_OR_PARTITION)
            throw brokerError(errorCode, 'describe a topic', { context: { topic } });
        }
        return { done: settings };
      },
      { scheduler: client.scheduler, deadlineMs: DEADLINE_MS },
    );

  return {
    partitionCounts: countsOf,
    topicSettings: settingsOf,
    async topicNames() {
      const { topics } = await untilDone(async () => ({ done: await client.refresh('all') }), {
        scheduler: client.scheduler,
        deadlineMs: DEADLINE_MS,
      });
      return topics
        .filter(({ isInternal }) => !isInternal)
        .map(({ topic }) => topic)
        .sort();
    },
    async ensureTopics(topics) {
      const existing = await countsOf(topics.map(({ topic }) => topic));
      const missing = topics.filter(({ topic }) => !existing.has(topic));
      if (missing.length > 0) {
        const request = {
          topics: missing.map(({ topic, partitions, config = {} }) => ({ topic, partitions, config })),
          timeoutMs: BROKER_TIMEOUT_MS,
        };
        await askController(
          'create topics',
          (node) => client.call(node, CREATE_TOPICS, request, 2 * BROKER_TIMEOUT_MS),
          new Set([TOPIC_ALREADY_EXISTS]),
        );
        await untilLed(client, missing);
      }
      const counts = missing.length === 0 ? existing : await countsOf(topics.map(({ topic }) => topic));
      const judged = topics.filter(({ topic, config }) => existing.has(topic) && config !== undefined);
      const settings = await settingsOf(judged.map(({ topic }) => topic));
      for (const spec of topics) {
        const { topic, config = {} } = spec;
        requireMatch(spec, { partitions: counts.get(topic) ?? 0, settings: settings.get(topic) ?? config });
      }
    },
    async deleteTopics(topics) {
      if (topics.length === 0) return;
      await askController(
        'delete topics',
        (node) =>
          client.call(node, DELETE_TOPICS, { topics, timeoutMs: BROKER_TIMEOUT_MS }, 2 * BROKER_TIMEOUT_MS),
        new Set([UNKNOWN_TOPIC_OR_PARTITION]),
      );
      await untilDone(
        async () =>
          (await countsOf(topics)).size === 0
            ? { done: null }
            : { again: new MillraceError('MR_KAFKA_UNAVAILABLE', 'deleted topics are still there') },
        { scheduler: client.scheduler, deadlineMs: DEADLINE_MS },
      );
    },
    async offsets(topic) {
      await client.refresh([topic]);
      const partitions = await partitionsOf(topic);
      const [starts, ends] = await Promise.all([
        listOffsets(client, partitions, 'start'),
        listOffsets(client, partitions, 'end'),
      ]);
      return partitions.map(({ partition }, i) => ({ partition, start: starts[i] ?? 0, end: ends[i] ?? 0 }));
    },
    async isSettled(topic) {
      const partitions = await partitionsOf(topic);
      // In this order: what was there at first must be stable afterwards.
      const highest = await listOffsets(client, partitions, 'highest');
      const ends = await listOffsets(client, partitions, 'end');
      return highest.every((offset, i) => offset <= (ends[i] ?? 0));
    },
    async committed(groupId, topic) {
      return committedOffsets(client, groupId, await partitionsOf(topic));
    },
    groupMembers: (groupId) => groupMembers(client, groupId),
  };
}

/** Waits until every partition has a leader. */
async function untilLed(client: ClusterClient, topics: readonly TopicSpec[]): Promise<void> {
  await untilDone(
    async () => {
      await client.refresh(topics.map(({ topic }) => topic));
      const led = topics.every(({ topic }) => {
        const count = client.partitionCount(topic) ?? 0;
        return (
          count > 0 &&
          Array.from({ length: count }, (_, p) => p).every(
            (partition) => client.leaderOf({ topic, partition }) !== undefined,
          )
        );
      });
      return led
        ? { done: null }
        : { again: new MillraceError('MR_KAFKA_UNAVAILABLE', 'new topics have no leaders yet') };
    },
    { scheduler: client.scheduler, deadlineMs: DEADLINE_MS },
  );
}
