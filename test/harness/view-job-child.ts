/**
 * A process for the SIGKILL test: the embedded log, a publisher and a runner of the view job in one, with its rows in a
 * file that is synced before a commit. Arguments: data folder, number of events. Says `ready` when it runs and ends by
 * itself when everything is committed.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { partitionFor } from '../../platform/kafka/partitioner.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import type { RowWriter } from '../../processors/runtime/task/sinks.ts';
import { MemoryOnlineStore } from './memory-sinks.ts';
import { viewJob, viewRecord, VIEWS, viewStream, viewTopics } from './view-job.ts';

const PARTITIONS = 2;
const BATCH = 20;

/** Rows as lines of JSON; a line that a kill has torn is closed off and not read. */
async function fileWriter(path: string): Promise<RowWriter & { close(): Promise<void> }> {
  const file = await open(path, 'a');
  let pending = (await readFile(path, 'utf8')).endsWith('\n') ? '' : '\n';
  return {
    add(table, rows) {
      for (const row of rows) pending += `${JSON.stringify({ table, ...row })}\n`;
    },
    async flush() {
      const text = pending;
      pending = '';
      await file.appendFile(text);
      await file.sync();
      // As over a network: kills fall between the acknowledgement of the rows and the transaction.
      await sleep(100);
      return [];
    },
    close: () => file.close(),
  };
}

/** Publishes what is not yet in the log: the offsets tell how far each partition is. */
async function publish(kafka: Kafka, count: number): Promise<void> {
  const published = new Map((await kafka.admin.offsets(VIEWS)).map(({ partition, end }) => [partition, end]));
  const missing = viewStream(count, { stepMs: 100, disorderMs: 5000 })
    .map(viewRecord)
    .filter(({ key }) => {
      const partition = partitionFor(key ?? '', PARTITIONS);
      const left = published.get(partition) ?? 0;
      published.set(partition, left - 1);
      return left <= 0;
    });
  const producer = kafka.producer();
  for (let at = 0; at < missing.length; at += BATCH) {
    await producer.send(missing.slice(at, at + BATCH));
    await sleep(5);
  }
  await producer.close();
}

async function everythingCommitted(kafka: Kafka): Promise<boolean> {
  for (const topic of [VIEWS, 'millrace.user-activity']) {
    const committed = await kafka.admin.committed('crash', topic);
    for (const { partition, end } of await kafka.admin.offsets(topic)) {
      if ((committed.find((o) => o.partition === partition)?.offset ?? 0) < end) return false;
    }
  }
  return true;
}

async function main(dir: string, count: number): Promise<void> {
  const log = silentLogger();
  const kafka = await openEmbeddedLog({ dir: join(dir, 'log'), log });
  await kafka.admin.ensureTopics(viewTopics(PARTITIONS));
  const rows = await fileWriter(join(dir, 'rows.ndjson'));
  const runner = new StreamRunner({
    subtopologies: viewJob(0),
    groupId: 'crash',
    namespace: '',
    kafka,
    rows,
    store: new MemoryOnlineStore(),
    watermark: { outOfOrderMs: 3_600_000, idleTimeoutMs: 60_000 },
    commitIntervalMs: 20,
    onlineFlushIntervalMs: 10,
    now: Date.now,
    newId: randomUUID,
    log,
  });
  await runner.start();
  process.stdout.write('ready\n');
  await publish(kafka, count);
  while (!(await everythingCommitted(kafka))) await Promise.race([sleep(20), runner.done]);
  await runner.stop();
  await rows.close();
  await kafka.close();
}

await main(process.argv[2] ?? '', Number(process.argv[3]));
