import { join } from 'node:path';
import { openKafka } from '../../../platform/kafka/index.ts';
import type { Kafka } from '../../../platform/kafka/port.ts';
import { silentLogger } from '../../../platform/log.ts';
import { crashLoop, readAcknowledged } from '../crash-loop.ts';
import { compareIds, type ChaosContext, type ChaosCount, type Scenario } from '../scenario.ts';

export const embeddedLog: Scenario = {
  name: 'embedded log',
  about: 'a process that sends and commits to the embedded log is killed with SIGKILL',
  weight: 2,
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const dataDir = join(context.dir, 'data');
  const child = new URL('./log-child', import.meta.url);
  const kills = await crashLoop({ ...context, child, dataDir, budgetMs });
  const kafka = await openKafka({
    config: { brokers: [] },
    dataDir,
    clientId: 'chaos',
    log: silentLogger(),
  });
  try {
    const lines = readAcknowledged(context.dir).map((line) => line.split(' '));
    const ids = (kind: string) => new Set(lines.flatMap(([how, id = '']) => (how === kind ? [id] : [])));
    const sent = compareIds(ids('sent'), await values(kafka, 'sent'));
    const pairs = await checkPairs(kafka, ids('pair'));
    return {
      kills,
      acknowledged: sent.acknowledged + pairs.acknowledged,
      lost: sent.lost + pairs.lost,
      duplicated: sent.duplicated + pairs.duplicated,
    };
  } finally {
    await kafka.close();
  }
}

/** The id that each value of a topic begins with, of one partition or of all. */
async function values(kafka: Kafka, topic: string, only?: number): Promise<string[]> {
  const ids: string[] = [];
  for (const { partition } of await kafka.admin.offsets(topic)) {
    if (only !== undefined && partition !== only) continue;
    for await (const batch of kafka.readToEnd({ topic, partition }))
      for (const { value } of batch.records) ids.push((value?.toString() ?? '').replace(/\.+$/, ''));
  }
  return ids;
}

/** Transactions number themselves by the offset that they commit: 1, 2, 3 … in both partitions, up to that offset. */
async function checkPairs(kafka: Kafka, acknowledged: ReadonlySet<string>) {
  const [left, right] = [await values(kafka, 'pairs', 0), await values(kafka, 'pairs', 1)];
  const [committed] = await kafka.admin.committed('chaos', 'sent');
  const expected = Array.from({ length: committed?.offset ?? 0 }, (_, i) => String(i + 1));
  const isWhole = [left, right].every((ids) => ids.join() === expected.join());
  const count = compareIds(acknowledged, left);
  // Half a transaction, or one that the offset does not know of, is as bad as a loss.
  return isWhole ? count : { ...count, lost: count.lost + 1 };
}
