import { MillraceError } from '../../errors.ts';
import type { TopicPartition, TopicPartitionOffset } from '../port.ts';
import { untilDone } from './backoff.ts';
import type { ClusterClient } from './cluster-client.ts';
import { LIST_OFFSETS, type ListOffsetsRequest } from './protocol/data-api.ts';
import {
  brokerError,
  NONE,
  STALE_COORDINATOR,
  STALE_LEADER,
  UNSTABLE_OFFSET_COMMIT,
} from './protocol/error-codes.ts';
import { DESCRIBE_GROUP, OFFSET_FETCH } from './protocol/group-api.ts';

const DEADLINE_MS = 15_000;

/** First or last stable offset of each partition, in the order given. Partition counts must be known (learnTopics). */
export async function listOffsets(
  client: ClusterClient,
  partitions: readonly TopicPartition[],
  at: ListOffsetsRequest['at'],
): Promise<readonly number[]> {
  const found = new Map<TopicPartition, number>();
  return untilDone(
    async () => {
      const open = partitions.filter((place) => !found.has(place));
      if (open.some((place) => client.leaderOf(place) === undefined))
        await client.refresh([...new Set(open.map(({ topic }) => topic))]);
      let again: MillraceError | null = null;
      for (const [leader, places] of byLeader(client, open)) {
        if (leader === undefined) {
          again = new MillraceError('MR_KAFKA_UNAVAILABLE', 'a partition has no leader');
          continue;
        }
        const answer = await client.call(leader, LIST_OFFSETS, { at, partitions: places });
        for (const { topic, partition, offset, errorCode } of answer.partitions) {
          const place = places.find((one) => one.topic === topic && one.partition === partition);
          if (place === undefined) continue;
          if (errorCode === NONE) found.set(place, offset);
          else if (STALE_LEADER.has(errorCode))
            again = brokerError(errorCode, 'name an offset', { code: 'MR_KAFKA_UNAVAILABLE' });
          else throw brokerError(errorCode, 'name an offset', { context: { topic, partition } });
        }
      }
      if (again === null) return { done: partitions.map((place) => found.get(place) ?? 0) };
      await client.refresh([...new Set(open.map(({ topic }) => topic))]);
      return { again };
    },
    { scheduler: client.scheduler, deadlineMs: DEADLINE_MS },
  );
}

/** Committed offsets of a group; waits for transactions that are about to settle (KIP-447). */
export async function committedOffsets(
  client: ClusterClient,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly TopicPartitionOffset[]> {
  return untilDone(
    async () => {
      const node = await client.coordinatorOf('group', groupId);
      const answer = await client
        .call(node, OFFSET_FETCH, { groupId, partitions })
        .catch((error: unknown) => {
          client.forgetCoordinator('group', groupId);
          throw error;
        });
      const code = [answer.errorCode, ...answer.partitions.map((row) => row.errorCode)].find(
        (one) => one !== NONE,
      );
      if (code === undefined)
        return {
          done: answer.partitions
            .filter(({ offset }) => offset >= 0)
            .map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        };
      if (STALE_COORDINATOR.has(code)) client.forgetCoordinator('group', groupId);
      else if (code !== UNSTABLE_OFFSET_COMMIT)
        throw brokerError(code, 'name committed offsets', { context: { groupId } });
      return {
        again: brokerError(code, 'name committed offsets', {
          code: 'MR_KAFKA_UNAVAILABLE',
          context: { groupId },
        }),
      };
    },
    { scheduler: client.scheduler, deadlineMs: DEADLINE_MS, maxBackoffMs: 100 },
  );
}

/** Members that a group has now; 0 where there is no such group. */
export async function groupMembers(client: ClusterClient, groupId: string): Promise<number> {
  return untilDone(
    async () => {
      const node = await client.coordinatorOf('group', groupId);
      const { errorCode, members } = await client
        .call(node, DESCRIBE_GROUP, { groupId })
        .catch((error: unknown) => {
          client.forgetCoordinator('group', groupId);
          throw error;
        });
      if (errorCode === NONE) return { done: members.length };
      if (!STALE_COORDINATOR.has(errorCode))
        throw brokerError(errorCode, 'describe a group', { context: { groupId } });
      client.forgetCoordinator('group', groupId);
      return {
        again: brokerError(errorCode, 'describe a group', {
          code: 'MR_KAFKA_UNAVAILABLE',
          context: { groupId },
        }),
      };
    },
    { scheduler: client.scheduler, deadlineMs: DEADLINE_MS, maxBackoffMs: 100 },
  );
}

function byLeader(
  client: ClusterClient,
  partitions: readonly TopicPartition[],
): ReadonlyMap<number | undefined, readonly TopicPartition[]> {
  const groups = new Map<number | undefined, TopicPartition[]>();
  for (const place of partitions) {
    const leader = client.leaderOf(place);
    groups.set(leader, [...(groups.get(leader) ?? []), place]);
  }
  return groups;
}
