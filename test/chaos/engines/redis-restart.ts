import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { redisInstalled } from '../../../cli/stack/redis-server.ts';
import { Secret } from '../../../platform/config.ts';
import { silentLogger } from '../../../platform/log.ts';
import { openOnlineStore } from '../../../platform/online-store/index.ts';
import type { OnlineStore } from '../../../platform/online-store/port.ts';
import { retry } from '../../../platform/retry.ts';
import { spawnRedis, type SpawnedRedis } from '../../harness/spawn-redis.ts';
import type { ChaosContext, ChaosCount, Scenario } from '../scenario.ts';

const WRITERS = 4;
const KEYS = 100;

/**
 * The server is told to end, which writes its append-only file out: what it acknowledged must be there. (After a
 * SIGKILL up to a second of it may be gone, by `appendfsync everysec`; the processors write it again from their state.)
 */
export const redisRestart: Scenario = {
  name: 'Redis restart',
  about: 'Redis is shut down and started again while values are written',
  leftOut: async () => ((await redisInstalled()) ? undefined : 'no redis-server on the PATH'),
  run,
};

async function run(context: ChaosContext, budgetMs: number): Promise<ChaosCount> {
  const redis = await spawnRedis();
  const store = await openOnlineStore({
    redis: { url: new Secret(redis.url) },
    dataDir: context.dir,
    keyPrefix: 'chaos:',
    deadlineMs: 1000,
    log: silentLogger(),
  });
  try {
    const stop = new AbortController();
    const newest = new Map<string, number>();
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      write(store, { writer, newest, stop: stop.signal }),
    );
    const kills = await restartAgainAndAgain(redis, context, budgetMs);
    stop.abort();
    const counts = await Promise.all(writers);
    const keys = [...newest.keys()];
    const values = await retry(() => store.readMany(keys), { initialDelayMs: 50, maxDelayMs: 500 });
    const lost = keys.filter((key, i) => values[i] !== String(newest.get(key))).length;
    return { kills, acknowledged: counts.reduce((sum, count) => sum + count, 0), lost, duplicated: 0 };
  } finally {
    await store.close();
    await redis.stop();
  }
}

interface Writing {
  readonly writer: number;
  /** The highest acknowledged version of each key. */
  readonly newest: Map<string, number>;
  readonly stop: AbortSignal;
}

/** Writes until it is stopped; a write whose outcome is unknown is repeated, which changes nothing if it was applied. */
async function write(store: OnlineStore, { writer, newest, stop }: Writing): Promise<number> {
  let acknowledged = 0;
  for (let version = 1; !stop.aborted; version++) {
    const key = `w${writer}:k${version % KEYS}`;
    await retry(() => store.setIfNewer([{ key, value: String(version), version, ttlMs: 3_600_000 }]), {
      initialDelayMs: 20,
      maxDelayMs: 200,
    });
    newest.set(key, version);
    acknowledged++;
  }
  return acknowledged;
}

async function restartAgainAndAgain(
  redis: SpawnedRedis,
  context: ChaosContext,
  budgetMs: number,
): Promise<number> {
  const endMs = performance.now() + budgetMs;
  let kills = 0;
  while (performance.now() < endMs || kills === 0) {
    await sleep(500 + context.random() * 1000);
    await shutDown(redis.port);
    await redis.kill(); // only waits: the process has ended, or does so now
    kills++;
    await sleep(context.random() * 1000);
    await redis.restart();
  }
  return kills;
}

async function shutDown(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const closed = once(socket, 'close');
  socket.end('SHUTDOWN\r\n');
  socket.resume();
  await closed;
}
