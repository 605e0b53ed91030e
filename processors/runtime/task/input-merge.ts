import type { InputQueue } from './input-queue.ts';

/**
 * The inputs of a task, merged by event time: the record that happened first comes first, and while one input has nothing
 * to offer and is not known to be at its end, the others wait for it (as in Kafka Streams, KIP-353 and KIP-695). What a
 * join finds therefore depends on the log and not on which broker answered first.
 */
export class InputMerge {
  readonly queues: readonly InputQueue[];

  constructor(queues: readonly InputQueue[]) {
    this.queues = queues;
  }

  of(topic: string): InputQueue | undefined {
    return this.queues.find((queue) => queue.topic === topic);
  }

  /** The input whose next record happened first; undefined where one has to be waited for, or nothing is left. */
  next(): InputQueue | undefined {
    const [only, ...others] = this.queues;
    if (others.length === 0) return only?.head() === undefined ? undefined : only;
    let earliest: InputQueue | undefined;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const queue of this.queues) {
      const head = queue.head();
      if (head === undefined) {
        if (queue.isDrained) continue;
        return undefined;
      }
      if (head.kind !== 'value') return queue;
      if (head.eventTimeMs < earliestMs) {
        earliest = queue;
        earliestMs = head.eventTimeMs;
      }
    }
    return earliest;
  }

  /** When the next record happened; -Infinity where there is none, or it has no time. */
  get nextEventTimeMs(): number {
    const head = this.next()?.head();
    return head?.kind === 'value' ? head.eventTimeMs : Number.NEGATIVE_INFINITY;
  }

  /** Records behind the end of the log, over all inputs, as of the last fetches. */
  get lagRecords(): number {
    let lag = 0;
    for (const queue of this.queues) lag += queue.lag;
    return lag;
  }
}
