import { join } from 'node:path';
import { openClickHouse } from '../../../platform/clickhouse/open.ts';
import { Secret } from '../../../platform/config.ts';
import { silentLogger } from '../../../platform/log.ts';
import { crashLoop, readAcknowledged } from '../crash-loop.ts';
import { compareIds, type ChaosContext, type ChaosCount, type Scenario } from '../scenario.ts';

export const clickhouseInProcess: Scenario = {
  name: 'chdb',
  about: 'a process that inserts into the ClickHouse engine in process is killed with SIGKILL',
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const dataDir = join(context.dir, 'data');
  const child = new URL('./clickhouse-child', import.meta.url);
  const kills = await crashLoop({ ...context, child, dataDir, budgetMs, longestMs: 1000 });
  const clickhouse = await openClickHouse({
    config: { url: undefined, user: 'default', password: new Secret(''), database: 'chaos' },
    dataDir,
    log: silentLogger(),
  });
  try {
    const rows = await clickhouse.query<{ id: string }>('SELECT id FROM facts');
    const acknowledged = new Set(readAcknowledged(context.dir));
    return {
      kills,
      ...compareIds(
        acknowledged,
        rows.map(({ id }) => id),
      ),
    };
  } finally {
    await clickhouse.close();
  }
}
