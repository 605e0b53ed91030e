import { describe, expect, it } from 'vitest';
import { redisAnswers } from '../../cli/stack/probe.ts';
import { redisInstalled } from '../../cli/stack/redis-server.ts';
import { redisCall } from './redis-call.ts';
import { skipOrFail } from './require-service.ts';
import { spawnRedis } from './spawn-redis.ts';
import { spawnRedisCluster } from './spawn-redis-cluster.ts';

const redisServer = skipOrFail((await redisInstalled()) ? '' : 'no redis-server is on the PATH');

describe.skipIf(redisServer.isMissing)(redisServer.title('spawnRedis'), () => {
  it('answers, can be paused, killed and started again on the same port, and leaves nothing', async () => {
    const redis = await spawnRedis();
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    redis.pause();
    expect(await redisAnswers(redis.port, 300)).toBe(false);
    redis.resume();
    expect(await redisAnswers(redis.port, 500)).toBe(true);
    await redis.kill();
    expect(await redisAnswers(redis.port, 500)).toBe(false);
    await redis.restart();
    expect(await redisAnswers(redis.port, 500)).toBe(true);
    await redis.stop();
    expect(await redisAnswers(redis.port, 500)).toBe(false);
  });

  it('says what redis-server says where it does not start', async () => {
    await expect(spawnRedis({ extra: ['--no-such-setting', '1'] })).rejects.toThrow(/ended with 1/);
  });

  it('makes a cluster whose slots can be moved', async () => {
    const cluster = await spawnRedisCluster();
    try {
      const [first, second] = cluster.nodes;
      if (first === undefined || second === undefined) throw new Error('no nodes');
      // {b} has the slot 3300.
      await redisCall(first.port, 'SET', '{b}1', 'v');
      await cluster.moveSlot(3300, first, second);
      expect(await redisCall(second.port, 'GET', '{b}1')).toBe('v');
      await expect(redisCall(first.port, 'GET', '{b}1')).rejects.toThrow(/^MOVED 3300/);
    } finally {
      await cluster.stop();
    }
  });
});
