import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../platform/errors.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import type { Logger } from '../../platform/log.ts';
import type { OnlineStore } from '../../platform/online-store/port.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import type { CompareJob } from './jobs.ts';
import { ourJob } from './our-jobs.ts';

export interface OurRun {
  readonly kafka: Kafka;
  readonly store: OnlineStore;
  readonly prefix: string;
  readonly job: CompareJob;
  readonly timeoutMs: number;
  readonly log: Logger;
}

const HOUR_MS = 3_600_000;

/**
 * Runs a job with the engine until everything in its input topics is committed.
 * @throws MillraceError MR_KAFKA_FAILED after its time limit
 */
export async function runOurJob(run: OurRun): Promise<void> {
  const { kafka, prefix, job, timeoutMs, log } = run;
  const { subtopologies } = ourJob(job, prefix);
  const groupId = `${prefix}.ours.${job}`;
  const runner = new StreamRunner({
    // A changelog of its own for each job.
    subtopologies: subtopologies.map((subtopology) => ({ ...subtopology, name: `${prefix}-${job}` })),
    groupId,
    namespace: '',
    kafka,
    rows: {
      add: () => {
        throw new Error('the jobs of the comparison write no tables');
      },
      flush: () => Promise.resolve([]),
    },
    store: run.store,
    // Time is the highest event time seen, as in Kafka Streams, and never the clock.
    watermark: { outOfOrderMs: 0, idleTimeoutMs: HOUR_MS },
    commitIntervalMs: 200,
    onlineFlushIntervalMs: 1000,
    now: Date.now,
    newId: randomUUID,
    log,
  });
  await runner.start();
  try {
    const inputs = subtopologies.flatMap((subtopology) => subtopology.inputs.map(({ topic }) => topic));
    const deadlineMs = performance.now() + timeoutMs;
    while (!(await isCommitted(kafka, groupId, inputs))) {
      if (performance.now() > deadlineMs)
        throw new MillraceError('MR_KAFKA_FAILED', `The job ${job} was not done after ${timeoutMs} ms.`);
      await Promise.race([sleep(50), runner.done]);
    }
  } finally {
    await runner.stop();
  }
}

async function isCommitted(kafka: Kafka, groupId: string, topics: readonly string[]): Promise<boolean> {
  for (const topic of topics) {
    const committed = await kafka.admin.committed(groupId, topic);
    for (const { partition, end } of await kafka.admin.offsets(topic))
      if ((committed.find((o) => o.partition === partition)?.offset ?? 0) < end) return false;
  }
  return true;
}
