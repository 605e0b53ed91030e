import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '../../../platform/errors.ts';
import { openKafka } from '../../../platform/kafka/index.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { retry } from '../../../platform/retry.ts';
import { compareIds, type ChaosContext, type ChaosCount, type Scenario } from '../scenario.ts';

const execute = promisify(execFile);
const DISK_MB = 48;
const BALLAST_MB = 24;
const MB = 1024 * 1024;

export const diskFull: Scenario = {
  name: 'disk full',
  about: `the embedded log fills a disk of ${DISK_MB} MB, which then gets room again`,
  leftOut: async () =>
    process.platform === 'linux' && process.getuid?.() === 0
      ? undefined
      : 'only root on Linux may mount a small disk',
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const disk = join(context.dir, 'disk');
  await mkdir(disk);
  await execute('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', disk]);
  try {
    const endMs = performance.now() + budgetMs;
    const total: ChaosCount = { kills: 0, acknowledged: 0, lost: 0, duplicated: 0 };
    for (let round = 1; performance.now() < endMs || round === 1; round++) {
      const count = await fillOnce(join(disk, `log-${round}`), join(disk, 'ballast'), round);
      for (const key of ['kills', 'acknowledged', 'lost', 'duplicated'] as const) total[key] += count[key];
    }
    return total;
  } finally {
    await execute('umount', [disk]);
  }
}

/** Fills the disk until the log refuses, makes room, goes on, and reads everything back with a fresh opening. */
async function fillOnce(dataDir: string, ballast: string, round: number): Promise<ChaosCount> {
  await writeFile(ballast, Buffer.alloc(BALLAST_MB * MB));
  const open = () =>
    openKafka({
      config: { brokers: [] },
      dataDir,
      clientId: 'chaos',
      minFreeBytes: 0,
      log: silentLogger(),
    });
  const acknowledged = new Set<string>();
  const kafka = await open();
  try {
    await kafka.admin.ensureTopics([{ topic: 'sent', partitions: 2 }]);
    const refused = await sendUntilRefused(kafka, `${round}.a`, acknowledged);
    if (!refused.retryable) throw refused;
    await rm(ballast);
    await retry(() => sendSome(kafka, `${round}.b`, acknowledged), {
      initialDelayMs: 50,
      maxDelayMs: 500,
      giveUpAfterMs: 20_000,
    });
  } finally {
    await kafka.close();
  }
  const again = await open();
  const found: string[] = [];
  for (const partition of [0, 1]) {
    for await (const batch of again.readToEnd({ topic: 'sent', partition }))
      found.push(...batch.records.map(({ key }) => key?.toString() ?? ''));
  }
  await again.close();
  await rm(dataDir, { recursive: true });
  return { kills: 1, ...compareIds(acknowledged, found) };
}

async function sendUntilRefused(
  kafka: Kafka,
  prefix: string,
  acknowledged: Set<string>,
): Promise<MillraceError> {
  for (let call = 0; ; call++) {
    try {
      await sendSome(kafka, `${prefix}.${call}`, acknowledged);
    } catch (error) {
      if (error instanceof MillraceError) return error;
      throw error;
    }
  }
}

let attempt = 0;

/** A failed send may have left some of its records: a repetition has ids of its own. */
async function sendSome(kafka: Kafka, prefix: string, acknowledged: Set<string>): Promise<void> {
  const mine = Array.from({ length: 20 }, (_, i) => `${prefix}.${++attempt}.${i}`);
  const producer = kafka.producer();
  try {
    await producer.send(mine.map((key) => ({ topic: 'sent', key, value: Buffer.alloc(5000, 'x') })));
    for (const id of mine) acknowledged.add(id);
  } finally {
    await producer.close();
  }
}
