import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from '../platform/kafka/port.ts';
import type { Processors } from '../processors/start.ts';
import { Progress } from './progress.ts';

const LOOK_MS = 200;

/** Resolves when the processors have committed a topic up to the end it has now; rejects when they end before. */
export async function untilCommitted(options: {
  readonly kafka: Kafka;
  readonly processors: Processors;
  readonly topic: string;
}): Promise<void> {
  const { kafka, processors, topic } = options;
  const ends = await kafka.admin.offsets(topic);
  const total = ends.reduce((sum, { end, start }) => sum + end - start, 0);
  const progress = new Progress('processing', { unit: 'events', total });
  const ended = processors.done.then(() => true);
  for (;;) {
    const committed = new Map(
      (await kafka.admin.committed(processors.groupId, topic)).map(({ partition, offset }) => [
        partition,
        offset,
      ]),
    );
    const left = ends.reduce(
      (sum, { partition, start, end }) => sum + Math.max(0, end - (committed.get(partition) ?? start)),
      0,
    );
    progress.update(total - left);
    if (left === 0) break;
    if (await Promise.race([ended, sleep(LOOK_MS, false)]))
      throw new Error('the processors ended before their input');
  }
  progress.finish(total);
}
