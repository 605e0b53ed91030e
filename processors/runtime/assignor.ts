import { murmur2 } from '../../platform/kafka/partitioner.ts';
import type { Assign, TopicPartition } from '../../platform/kafka/port.ts';
import type { Subtopology } from './topology.ts';

/**
 * Assigns tasks, not partitions: partition p of every input of a sub-topology goes to one member, so that joins and
 * state find all of a key in one place. Each sub-topology is spread evenly, and a task goes to the member that ranks
 * highest for it and has room (rendezvous hashing with bounded loads: Thaler and Ravishankar 1998; Mirrokni et al.
 * 2018), so that most tasks stay where their state is when members come and go.
 */
export function assignTasks(
  subtopologies: readonly Subtopology[],
  topicName: (topic: string) => string,
): Assign {
  return (members, topics) => {
    const sorted = [...members].sort();
    const assigned = new Map<string, TopicPartition[]>(sorted.map((member) => [member, []]));
    for (const { name, inputs } of subtopologies) {
      const names = inputs.map(topicName);
      const count = Math.max(0, ...names.map((topic) => topics.get(topic) ?? 0));
      spread(name, count, sorted).forEach((member, partition) => {
        for (const topic of names) assigned.get(member)?.push({ topic, partition });
      });
    }
    return assigned;
  };
}

/** The member of each task of a sub-topology. */
function spread(name: string, count: number, members: readonly string[]): string[] {
  const least = Math.floor(count / members.length);
  let extras = count % members.length;
  const loads = new Map<string, number>(members.map((member) => [member, 0]));
  return Array.from({ length: count }, (_, partition) => {
    const hasRoom = (member: string) => {
      const load = loads.get(member) ?? 0;
      return load < least || (load === least && extras > 0);
    };
    const ranked = members.filter(hasRoom).map((member) => ({ member, rank: rank(member, name, partition) }));
    const best = ranked.reduce((a, b) => (b.rank > a.rank ? b : a), { member: '', rank: -1 });
    const load = loads.get(best.member) ?? 0;
    if (load === least) extras -= 1;
    loads.set(best.member, load + 1);
    return best.member;
  });
}

function rank(member: string, name: string, partition: number): number {
  return murmur2(`${member}|${name}|${partition}`) >>> 0;
}
