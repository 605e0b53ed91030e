import { join } from 'node:path';
import { silentLogger } from '../../../platform/log.ts';
import { openOnlineStore } from '../../../platform/online-store/index.ts';
import { crashLoop, readAcknowledged } from '../crash-loop.ts';
import type { ChaosContext, ChaosCount, Scenario } from '../scenario.ts';

export const lmdbStore: Scenario = {
  name: 'LMDB',
  about: 'a process that writes to the online store in process is killed with SIGKILL',
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const dataDir = join(context.dir, 'data');
  const child = new URL('./online-store-child', import.meta.url);
  const kills = await crashLoop({ ...context, child, dataDir, budgetMs });
  const lines = readAcknowledged(context.dir);
  const newest = new Map<string, number>();
  for (const line of lines) {
    const [key = '', version = ''] = line.split(' ');
    newest.set(key, Math.max(newest.get(key) ?? 0, Number(version)));
  }
  const store = await openOnlineStore({
    redis: { url: undefined },
    dataDir,
    keyPrefix: 'chaos:',
    deadlineMs: 10_000,
    log: silentLogger(),
  });
  try {
    const keys = [...newest.keys()];
    const values = await store.readMany(keys);
    const lost = keys.filter((key, i) => Number(values[i] ?? -1) < (newest.get(key) ?? 0)).length;
    return { kills, acknowledged: lines.length, lost, duplicated: 0 };
  } finally {
    await store.close();
  }
}
