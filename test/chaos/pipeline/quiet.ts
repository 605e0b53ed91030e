import { setTimeout as sleep } from 'node:timers/promises';
import { groupLag } from '../../../platform/kafka/group-lag.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';

const LOOK_MS = 500;

/** Processing does not get on, though nothing is broken any more: a finding, and not a fault of the harness. */
export class Stalled extends Error {}

export interface QuietOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  /** All inputs of the group. */
  readonly topics: readonly string[];
  readonly timeoutMs: number;
  readonly onLook: (behind: number) => void;
}

/**
 * Resolves when the group has committed everything that its topics held at some moment, as many times one after the other
 * as the longest way through the topology is long. (Topics between tasks never stop: they carry watermarks.)
 * @throws Stalled with the partitions that are behind when the time is over
 */
export async function untilQuiet(options: QuietOptions, depth: number): Promise<void> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (let round = 0; round < depth; round++) await untilCommitted(options, deadlineMs);
}

async function untilCommitted(options: QuietOptions, deadlineMs: number): Promise<void> {
  const { kafka, groupId, topics, onLook } = options;
  const ends = new Map(
    (await groupLag(kafka.admin, groupId, topics)).map(({ topic, partition, end }) => [
      `${topic}/${partition}`,
      end,
    ]),
  );
  for (;;) {
    const behind = (await groupLag(kafka.admin, groupId, topics)).flatMap(
      ({ topic, partition, committed, end, lag }) => {
        const wanted = ends.get(`${topic}/${partition}`) ?? 0;
        const isBehind = lag > 0 && (committed ?? 0) < wanted;
        return isBehind ? [`${topic}/${partition} at ${committed ?? 'nothing'} of ${end}`] : [];
      },
    );
    onLook(behind.length);
    if (behind.length === 0) return;
    if (performance.now() > deadlineMs)
      throw new Stalled(`processing does not come to its end: ${behind.slice(0, 8).join(', ')}`);
    await sleep(LOOK_MS);
  }
}
