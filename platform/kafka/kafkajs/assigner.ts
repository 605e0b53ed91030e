import { MillraceError } from '../../errors.ts';
import type { Assign, AssignedMember, TopicPartition } from '../port.ts';
import { partitionKey } from './protocol/by-topic.ts';
import { decodeSubscription, encodeAssignment } from './protocol/assignment-codec.ts';
import type { JoinGroupResponse, SyncGroupRequest } from './protocol/group-api.ts';

/** The topics that any member subscribes to. */
export function subscribedTopics(members: JoinGroupResponse['members']): readonly string[] {
  return [...new Set(members.flatMap(({ metadata }) => decodeSubscription(metadata).topics))].sort();
}

/**
 * The members in order, each with what it owns. A member that was silent for a while may claim what has gone to another
 * since: the claim of the younger generation counts, and where two claim the same in one generation neither does.
 */
export function ownersOf(members: JoinGroupResponse['members']): readonly AssignedMember[] {
  const claims = members
    .map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata) }))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const youngest = new Map<string, { generation: number; claimants: number }>();
  for (const { owned, generation } of claims) {
    for (const place of owned) {
      const known = youngest.get(partitionKey(place));
      if (known === undefined || generation > known.generation)
        youngest.set(partitionKey(place), { generation, claimants: 1 });
      else if (generation === known.generation) known.claimants++;
    }
  }
  return claims.map(({ memberId, owned, generation }) => ({
    memberId,
    owned: owned.filter((place) => {
      const known = youngest.get(partitionKey(place));
      return known?.generation === generation && known.claimants === 1;
    }),
  }));
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
  const owners = ownersOf(members);
  const ids = owners.map(({ memberId }) => memberId);
  const answer = assign(owners, topics);
  const given = new Set<string>();
  for (const [memberId, partitions] of answer) {
    if (!ids.includes(memberId)) throw wrong('names a member that is not in the group', { memberId });
    for (const place of partitions) {
      const { topic, partition } = place;
      if (!(partition >= 0 && partition < (topics.get(topic) ?? 0)))
        throw wrong('names a partition that does not exist', { topic, partition });
      if (given.has(partitionKey(place)))
        throw wrong('gives a partition to two members', { topic, partition });
      given.add(partitionKey(place));
    }
  }
  const none: readonly TopicPartition[] = [];
  return ids.map((memberId) => ({ memberId, assignment: encodeAssignment(answer.get(memberId) ?? none) }));
}

function wrong(what: string, context: Readonly<Record<string, string | number>>): MillraceError {
  return new MillraceError('MR_INTERNAL', `the assignment of partitions ${what}`, { context });
}
