/**
 * A process for the SIGKILL test: the embedded log, a publisher and a runner of the view job in one, with its rows in a
 * file that is synced before a commit. Arguments: data folder, number of events. Says `ready` when it runs and ends by
 * itself when everything is committed.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../platform/log.ts';
import { StreamRunner } from '../../processors/runtime/run/runner.ts';
import { fileRowWriter } from './file-row-writer.ts';
import { MemoryOnlineStore } from './memory-sinks.ts';
import { everythingCommitted, publishMissing } from './publish-missing.ts';
import { viewJob, viewRecord, VIEWS, viewStream, viewTopics } from './view-job.ts';

const PARTITIONS = 2;
/** As over a network: kills fall between the acknowledgement of the rows and the transaction. */
const ACK_DELAY_MS = 100;

async function main(dir: string, count: number): Promise<void> {
  const log = silentLogger();
  const kafka = await openEmbeddedLog({ dir: join(dir, 'log'), log });
  await kafka.admin.ensureTopics(viewTopics(PARTITIONS));
  const rows = await fileRowWriter(join(dir, 'rows.ndjson'), ACK_DELAY_MS);
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
  const views = viewStream(count, { stepMs: 100, disorderMs: 5000 }).map(viewRecord);
  await publishMissing(kafka, views, { topic: VIEWS, batchRecords: 20, pauseMs: 5 });
  const topics = [VIEWS, 'millrace.user-activity'];
  while (!(await everythingCommitted(kafka, 'crash', topics))) await Promise.race([sleep(20), runner.done]);
  await runner.stop();
  await rows.close();
  await kafka.close();
}

await main(process.argv[2] ?? '', Number(process.argv[3]));
