/**
 * A process for tests of state that does not fit in memory: the embedded log, a publisher and a runner of the visit job
 * in one, with its rows in a file. Arguments: data folder, folder of the spill, number of visits. It ends by itself when
 * everything is committed, and says on stdout how large its spill was; what goes wrong ends it as it ends `millrace`.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../../cli/run.ts';
import { openEmbeddedLog } from '../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../platform/log.ts';
import { openSpill } from '../../platform/spill/index.ts';
import { StateMemory } from '../../processors/runtime/state/state-memory.ts';
import { fileRowWriter } from './file-row-writer.ts';
import { everythingCommitted, publishMissing } from './publish-missing.ts';
import { VIEWS, viewTopics } from './view-job.ts';
import { STATE_BYTES, visitRecords, visitRunner, VISITS } from './visit-job.ts';

const PARTITIONS = 2;

async function main(dir: string, spillDir: string, count: number): Promise<void> {
  const log = silentLogger();
  const kafka = await openEmbeddedLog({ dir: join(dir, 'log'), log, fsync: false });
  // Its events are of a fixed day.
  const config = { 'retention.ms': '-1' };
  await kafka.admin.ensureTopics(viewTopics(PARTITIONS).map((spec) => ({ ...spec, config })));
  const publishing = { topic: VIEWS, batchRecords: 1000, pauseMs: 0 };
  await publishMissing(kafka, visitRecords(count), publishing);
  const spill = await openSpill({ path: spillDir });
  const rows = await fileRowWriter(join(dir, 'rows.ndjson'));
  const memory = new StateMemory({ limitBytes: STATE_BYTES, spill });
  const runner = visitRunner({ kafka, rows, memory });
  try {
    await runner.start();
    while (!(await everythingCommitted(kafka, VISITS, [VIEWS]))) await Promise.race([sleep(20), runner.done]);
    process.stdout.write(`${spill.bytes}\n`);
  } finally {
    await runner.stop();
    await rows.close();
    await spill.close();
    await kafka.close();
  }
}

const [dir = '', spillDir = '', count] = process.argv.slice(2);
try {
  await main(dir, spillDir, Number(count));
} catch (error) {
  process.exitCode = report(error, { note: (line) => process.stderr.write(`${line}\n`) });
}
