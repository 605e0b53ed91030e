import type { TopicPartition } from '../../port.ts';

/** Groups by topic in order of first appearance: requests nest partitions under their topic. */
export function byTopic<T extends { readonly topic: string }>(items: readonly T[]): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.topic);
    if (group === undefined) groups.set(item.topic, [item]);
    else group.push(item);
  }
  return [...groups];
}

/** A map key for one partition. */
export function partitionKey(place: TopicPartition): string {
  return `${place.topic}/${place.partition}`;
}
