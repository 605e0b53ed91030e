import { murmur2 } from '../../../platform/kafka/partitioner.ts';
import type { Assign, AssignedMember, TopicPartition } from '../../../platform/kafka/port.ts';
import { shareOut, type Shares } from './assignor-shares.ts';
import type { Subtopology } from '../topology.ts';

/**
 * Assigns tasks, not partitions: partition p of every input of a sub-topology goes to one member, so that joins and
 * state find all of a key in one place.
 *
 * The number of tasks of each member differs by at most one, in all and within each sub-topology. As far as that allows,
 * a task stays with the member that has its state: no assignment that is as balanced moves fewer. What has to move goes
 * to the member that ranks highest for it and has room (rendezvous hashing with bounded loads: Thaler and Ravishankar
 * 1998; Mirrokni et al. 2018). With `standby`, each task also gets a member that follows its changelog, so that it can
 * take over at once; changelogs are then topics of the group too.
 */
export function assignTasks(
  subtopologies: readonly Subtopology[],
  topicName: (topic: string) => string,
  standby?: { readonly changelogName: (subtopology: string) => string },
): Assign {
  return (members, topics) => {
    const ids = members.map(({ memberId }) => memberId).sort();
    const assigned = new Map<string, TopicPartition[]>(ids.map((id) => [id, []]));
    if (ids.length === 0) return assigned;
    const owners = ownersByPlace(members);
    const groups = subtopologies.map(({ name, inputs }) => {
      const names = inputs.map(({ topic }) => topicName(topic));
      const changelog = standby?.changelogName(name);
      // Who has a copy of the state is as good as its owner where the owner is gone.
      const places = changelog === undefined ? names : [...names, changelog];
      const count = Math.max(0, ...names.map((topic) => topics.get(topic) ?? 0));
      const taskOwners = Array.from({ length: count }, (_, p) => ownerOf(owners, places, p));
      return { name, names, changelog, owners: taskOwners };
    });
    const shares = shareOut(ids, groups);
    const tasks = groups.flatMap((group, index) =>
      spread(group, ids, shares[index] ?? new Map()).map((member, partition) => ({
        group,
        member,
        partition,
      })),
    );
    for (const { group, member, partition } of tasks)
      for (const topic of group.names) assigned.get(member)?.push({ topic, partition });
    const standbys = tasks.flatMap(({ group: { name, changelog: topic }, member, partition }) =>
      topic === undefined
        ? []
        : [{ name, topic, partition, active: member, holder: owners.get(`${topic}/${partition}`) }],
    );
    for (const [member, places] of placeStandbys(standbys, ids)) assigned.get(member)?.push(...places);
    return assigned;
  };
}

interface StandbyTask extends TopicPartition {
  readonly name: string;
  readonly active: string;
  /** Who has followed it so far. */
  readonly holder: string | undefined;
}

/**
 * One standby for each task, on another member than the task itself: it stays where it is if it can, else it goes to
 * the member with the fewest. A standby is a partition of the changelog that is assigned and never read through the
 * group.
 */
function placeStandbys(
  standbys: readonly StandbyTask[],
  ids: readonly string[],
): ReadonlyMap<string, readonly TopicPartition[]> {
  const placed = new Map<string, TopicPartition[]>(ids.map((id) => [id, []]));
  if (ids.length < 2) return placed;
  const most = Math.ceil(standbys.length / ids.length);
  const waiting: StandbyTask[] = [];
  for (const standby of standbys) {
    const { holder, active, topic, partition } = standby;
    const kept = holder === undefined || holder === active ? undefined : placed.get(holder);
    if (kept !== undefined && kept.length < most) kept.push({ topic, partition });
    else waiting.push(standby);
  }
  for (const { name, topic, partition, active } of waiting) {
    const others = ids.filter((id) => id !== active).map((id) => ({ id, held: placed.get(id) ?? [] }));
    const best = others.reduce((a, b) =>
      b.held.length < a.held.length ||
      (b.held.length === a.held.length && rank(b.id, name, partition) > rank(a.id, name, partition))
        ? b
        : a,
    );
    best.held.push({ topic, partition });
  }
  return placed;
}

/** The member that owns each partition; none where two claim it. */
function ownersByPlace(members: readonly AssignedMember[]): ReadonlyMap<string, string | undefined> {
  const owners = new Map<string, string | undefined>();
  for (const { memberId, owned } of members) {
    for (const { topic, partition } of owned) {
      const place = `${topic}/${partition}`;
      owners.set(place, owners.has(place) ? undefined : memberId);
    }
  }
  return owners;
}

/** The owner of a task: whoever has its first input that anyone has. */
function ownerOf(
  owners: ReadonlyMap<string, string | undefined>,
  names: readonly string[],
  partition: number,
): string | undefined {
  return names.map((topic) => owners.get(`${topic}/${partition}`)).find((owner) => owner !== undefined);
}

/** The member of each task of a sub-topology, given how many each gets. */
function spread(
  group: { readonly name: string; readonly owners: readonly (string | undefined)[] },
  ids: readonly string[],
  shares: Shares[number],
): readonly string[] {
  const room = new Map(shares);
  const take = (member: string) => room.set(member, (room.get(member) ?? 0) - 1);
  const chosen = new Map<number, string>();
  for (const id of ids) {
    const owned = group.owners.flatMap((owner, partition) => (owner === id ? [partition] : []));
    const ranked = owned.sort((a, b) => rank(id, group.name, b) - rank(id, group.name, a) || a - b);
    for (const partition of ranked.slice(0, room.get(id))) {
      chosen.set(partition, id);
      take(id);
    }
  }
  return group.owners.map((_, partition) => {
    const kept = chosen.get(partition);
    if (kept !== undefined) return kept;
    const ranked = ids
      .filter((id) => (room.get(id) ?? 0) > 0)
      .map((id) => ({ id, rank: rank(id, group.name, partition) }));
    const best = ranked.reduce((a, b) => (b.rank > a.rank ? b : a), { id: '', rank: -1 });
    take(best.id);
    return best.id;
  });
}

function rank(member: string, name: string, partition: number): number {
  return murmur2(`${member}|${name}|${partition}`) >>> 0;
}
