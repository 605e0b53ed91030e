import { MillraceError } from '../../errors.ts';
import type { Assign, TopicPartition } from '../port.ts';
import { partitionKey } from './protocol/by-topic.ts';
import { decodeSubscription, encodeAssignment } from './protocol/assignment-codec.ts';
import type { JoinGroupResponse, SyncGroupRequest } from './protocol/group-api.ts';

/** The topics that any member subscribes to. */
export function subscribedTopics(members: JoinGroupResponse['members']): readonly string[] {
  return [...new Set(members.flatMap(({ metadata }) => decodeSubscription(metadata)))].sort();
}

/**
 * What the leader sends to the coordinator: the port's `assign`, asked with the members in order, its answer checked
 * and encoded. Throws MR_INTERNAL where the answer names an unknown member or partition, or gives one partition twice.
 */
export function assignmentsOf(
  members: JoinGroupResponse['members'],
  topics: ReadonlyMap<string, number>,
  assign: Assign,
): SyncGroupRequest['assignments'] {
  const ids = members.map(({ memberId }) => memberId).sort();
  const answer = assign(ids, topics);
  const owners = new Map<string, string>();
  for (const [memberId, partitions] of answer) {
    if (!ids.includes(memberId)) throw wrong('names a member that is not in the group', { memberId });
    for (const place of partitions) {
      const { topic, partition } = place;
      if (!(partition >= 0 && partition < (topics.get(topic) ?? 0)))
        throw wrong('names a partition that does not exist', { topic, partition });
      if (owners.has(partitionKey(place)))
        throw wrong('gives a partition to two members', { topic, partition });
      owners.set(partitionKey(place), memberId);
    }
  }
  const none: readonly TopicPartition[] = [];
  return ids.map((memberId) => ({ memberId, assignment: encodeAssignment(answer.get(memberId) ?? none) }));
}

function wrong(what: string, context: Readonly<Record<string, string | number>>): MillraceError {
  return new MillraceError('MR_INTERNAL', `the assignment of partitions ${what}`, { context });
}
