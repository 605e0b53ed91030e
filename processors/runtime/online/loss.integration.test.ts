import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisInstalled } from '../../../cli/stack/redis-server.ts';
import { Secret } from '../../../platform/config.ts';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { openOnlineStore } from '../../../platform/online-store/index.ts';
import { MemoryRowWriter } from '../../../test/harness/memory-sinks.ts';
import { redisCall } from '../../../test/harness/redis-call.ts';
import { skipOrFail } from '../../../test/harness/require-service.ts';
import { spawnRedis } from '../../../test/harness/spawn-redis.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { viewJob, viewRecord, viewStream, viewTopics } from '../../../test/harness/view-job.ts';
import { waitUntil } from '../../../test/harness/wait-until.ts';
import { StreamRunner } from '../run/runner.ts';

const log = silentLogger();
const binary = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');

describe.skipIf(binary.isMissing)(binary.title('a Redis that loses everything under running tasks'), () => {
  it('has it again within seconds, from the state alone', { timeout: 60_000 }, async () => {
    const redis = await spawnRedis();
    const kafka = await openEmbeddedLog({ dir: await temporaryDir(), log, fsync: false });
    await kafka.admin.ensureTopics(viewTopics(2));
    const store = await openOnlineStore({
      ...{ redis: { url: new Secret(redis.url) }, dataDir: '.', keyPrefix: 'loss:', deadlineMs: 5000, log },
    });
    const runner = new StreamRunner({
      ...{ subtopologies: viewJob(0), groupId: 'loss', namespace: '', kafka, store, log },
      ...{ rows: new MemoryRowWriter(), now: Date.now, newId: randomUUID },
      watermark: { outOfOrderMs: 3_600_000, idleTimeoutMs: 60_000 },
      ...{ commitIntervalMs: 20, onlineFlushIntervalMs: 5 },
    });
    onTestFinished(async () => {
      await runner.stop();
      await store.close();
      await kafka.close();
      await redis.stop();
    });
    await runner.start();
    await kafka.producer().send(viewStream(1500, { stepMs: 100, disorderMs: 5000 }).map(viewRecord));
    const values = async () => {
      const keys = runner.tasks.flatMap((task) => [...task.online.keys()]);
      const stored = await store.readMany(keys.map(({ key }) => key));
      return keys.map(({ key, value }, index) => ({ key, isRight: stored[index] === value }));
    };
    const isWhole = async () => (await values()).every(({ isRight }) => isRight);
    const total = async () => {
      const keys = runner.tasks.flatMap((task) => [...task.online.keys()]);
      return keys.reduce((sum, { value }) => sum + Number(value), 0);
    };
    await waitUntil(async () => (await total()) === 1400 && (await isWhole()), {
      ...{ timeoutMs: 30_000, what: 'every total in Redis' },
    });
    await redisCall(redis.port, 'FLUSHALL');
    expect(await isWhole()).toBe(false);
    await waitUntil(isWhole, { timeoutMs: 15_000, what: 'every total again' });
    expect(runner.online.stats.behind).toBeGreaterThan(0);
  });
});
