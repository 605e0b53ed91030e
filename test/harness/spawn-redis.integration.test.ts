import { describe, expect, it } from 'vitest';
import { redisAnswers } from '../../cli/stack/probe.ts';
import { redisInstalled } from '../../cli/stack/redis-server.ts';
import { skipOrFail } from './require-service.ts';
import { spawnRedis } from './spawn-redis.ts';

const redisServer = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');

describe.skipIf(redisServer.isMissing)(redisServer.title('spawnRedis'), () => {
  it('answers, can be killed and started again on the same port, and leaves nothing', async () => {
    const redis = await spawnRedis();
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    await redis.kill();
    expect(await redisAnswers(redis.port, 500)).toBe(false);
    await redis.restart();
    expect(await redisAnswers(redis.port, 500)).toBe(true);
    await redis.stop();
    expect(await redisAnswers(redis.port, 500)).toBe(false);
  });
});
