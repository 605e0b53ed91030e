import { describe, expect, onTestFinished, test } from 'vitest';
import { redisInstalled } from '../../cli/stack/redis-server.ts';
import { redisCall } from '../harness/redis-call.ts';
import { skipOrFail } from '../harness/require-service.ts';
import { spawnRedis } from '../harness/spawn-redis.ts';
import { auditedShop, traffic } from './audited-shop.contract.ts';
import { findsHands } from './online-audit.contract.ts';

const binary = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');

describe.skipIf(binary.isMissing)(binary.title('the auditor and Redis'), () => {
  test('finds keys that a hand deleted, altered or added, and nothing else', {
    timeout: 300_000,
  }, async () => {
    const redis = await spawnRedis();
    onTestFinished(() => redis.stop());
    const shop = await auditedShop({ redisUrl: redis.url });
    await findsHands(shop, {
      delete: async (key) => {
        await redisCall(redis.port, 'DEL', `mr:v:${key}`);
      },
      write: async ({ key, value, version, owner }) => {
        const text = `${version}@${owner}:${value}`;
        await redisCall(redis.port, 'SET', `mr:v:${key}`, text, 'PX', 86_400_000);
      },
    });
    // What is no record of the product at all is of nobody, and in nobody's way.
    await redisCall(redis.port, 'SET', 'mr:v:text', 'by hand');
    await redisCall(redis.port, 'HSET', 'mr:v:hash', 'field', 'by hand');
    const { findings } = await shop.audit();
    expect(findings.map(({ store, kind, what, place }) => [store, kind, what, place]).sort()).toEqual([
      ['redis', 'foreign', 'keys of nobody', 'hash'],
      ['redis', 'foreign', 'keys of nobody', 'text'],
    ]);
  });

  test('a Redis that does not answer leaves the log and the tables to be checked', {
    timeout: 300_000,
  }, async () => {
    const redis = await spawnRedis();
    onTestFinished(() => redis.stop());
    const shop = await auditedShop({ redisUrl: redis.url });
    await shop.send(traffic(1, 2));
    const runner = await shop.start();
    await shop.settled();
    await runner.stop();
    await redis.kill();
    const report = await shop.audit();
    expect(report.failures).toMatchObject([{ check: 'online', code: 'MR_ONLINE_STORE_UNAVAILABLE' }]);
    expect(new Set(report.lines.map(({ store }) => store))).toEqual(new Set(['kafka', 'clickhouse']));
    expect(report.findings).toEqual([]);
  });
});
