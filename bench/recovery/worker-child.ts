/** One instance of the job in a process of its own, so that it can be killed. Argument: {@link WorkerTask} as JSON. */
import { randomUUID } from 'node:crypto';
import { openKafka } from '../../platform/kafka/index.ts';
import { createLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import type { RowWriter } from '../../processors/runtime/task/sinks.ts';
import { recoveryJob } from './job.ts';
import { watchedKafka } from './watched-kafka.ts';
import type { WorkerTask } from './worker.ts';

/** The job has no rows: whatever it would write is a mistake. */
const NO_ROWS: RowWriter = {
  add: (table) => {
    throw new Error(`the job has no table ${table}`);
  },
  flush: () => Promise.resolve([]),
};

async function main(task: WorkerTask): Promise<void> {
  const log = createLogger('warn', 'recovery');
  const kafka = await openKafka({
    config: { brokers: task.brokers, sessionTimeoutMs: task.sessionTimeoutMs },
    ...{ dataDir: task.dir, clientId: 'recovery', log },
  });
  const store = await openOnlineStore({
    ...{ redis: { url: undefined }, dataDir: task.dir, keyPrefix: 'recovery:', log },
  });
  const options = {
    ...{
      subtopologies: recoveryJob(task.topic, task.groupId),
      groupId: task.groupId,
      namespace: '',
      rows: NO_ROWS,
      store,
    },
    kafka: watchedKafka(kafka, { topic: task.topic, tell: (told) => process.send?.(told) }),
    watermark: { outOfOrderMs: 1000, idleTimeoutMs: 5000 },
    ...{
      commitIntervalMs: task.commitIntervalMs,
      onlineFlushIntervalMs: 50,
      withStandbys: task.withStandbys,
    },
    ...{ now: Date.now, newId: randomUUID, log, guarantee: task.guarantee },
  };
  const runner = new StreamRunner(options);
  await runner.start();
  process.once('SIGTERM', () => {
    void runner.stop().then(async () => {
      await store.close();
      await kafka.close();
      process.disconnect();
    });
  });
  await runner.done;
}

await main(JSON.parse(process.argv[2] ?? '') as WorkerTask);
