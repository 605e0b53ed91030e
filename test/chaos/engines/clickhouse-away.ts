import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openClickHouse } from '../../../platform/clickhouse/open.ts';
import { createBatchWriter, type BatchWriter } from '../../../platform/clickhouse/writer.ts';
import { Secret } from '../../../platform/config.ts';
import { silentLogger } from '../../../platform/log.ts';
import { spawnClickHouse } from '../../harness/spawn-clickhouse.ts';
import { compareIds, type ChaosContext, type ChaosCount, type Scenario } from '../scenario.ts';

const AWAY_MS = 30_000;
const BATCH_ROWS = 1000;

/**
 * The server is killed, stays away for half a minute and comes back on the same folder. The writer holds what it could
 * not write and stops its caller from adding more; the table skips a batch whose token it has seen.
 */
export const clickhouseAway: Scenario = {
  name: 'ClickHouse unreachable',
  about: `\`millrace clickhouse\` is killed with SIGKILL and stays away for ${AWAY_MS / 1000} s while rows are written`,
  weight: 2,
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const server = await spawnClickHouse({ dataDir: join(context.dir, 'server') });
  const clickhouse = await openClickHouse({
    config: {
      url: server.url,
      user: server.user,
      password: new Secret(server.password),
      database: 'chaos',
    },
    dataDir: context.dir,
    log: silentLogger(),
  });
  try {
    await clickhouse.command(
      'CREATE TABLE facts (id String) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000',
    );
    const writer = createBatchWriter(clickhouse, {
      maxRows: BATCH_ROWS,
      maxBytes: 1_048_576,
      log: silentLogger(),
      retryDelayMs: { initial: 100, max: 1000 },
    });
    const stop = new AbortController();
    const writing = write(writer, stop.signal);
    const endMs = performance.now() + budgetMs;
    let kills = 0;
    do {
      await sleep(500 + context.random() * 2000);
      await server.kill();
      kills++;
      context.note(`away for ${AWAY_MS / 1000} s`);
      await sleep(AWAY_MS);
      await server.restart();
    } while (performance.now() + AWAY_MS < endMs);
    await sleep(2000);
    stop.abort();
    const acknowledged = await writing;
    const rows = await clickhouse.query<{ id: string }>('SELECT id FROM facts');
    return {
      kills,
      ...compareIds(
        acknowledged,
        rows.map(({ id }) => id),
      ),
    };
  } finally {
    await clickhouse.close();
    await server.stop();
  }
}

/** Adds a batch and flushes it, until it is stopped; the ids are those that a flush has resolved for. */
async function write(writer: BatchWriter, stop: AbortSignal): Promise<ReadonlySet<string>> {
  const acknowledged = new Set<string>();
  for (let call = 0; !stop.aborted; call++) {
    const ids = Array.from({ length: BATCH_ROWS }, (_, i) => `${call}.${i}`);
    writer.add(
      'facts',
      ids.map((id) => ({ id })),
    );
    await writer.flush();
    for (const id of ids) acknowledged.add(id);
  }
  return acknowledged;
}
