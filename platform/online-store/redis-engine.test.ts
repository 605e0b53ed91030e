import { describe, expect, it } from 'vitest';
import { redisEngine, requireRedisVersion } from './redis-engine.ts';

describe('redisEngine', () => {
  it('names Redis and Valkey by their own versions', () => {
    expect(redisEngine('# Server\r\nredis_version:7.4.1\r\nos:Linux\r\n')).toEqual({
      engine: 'Redis',
      version: '7.4.1',
    });
    expect(redisEngine('redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n')).toEqual({
      engine: 'Valkey',
      version: '8.1.0',
    });
    expect(redisEngine('')).toEqual({ engine: 'Redis', version: 'unknown' });
  });
});

describe('requireRedisVersion', () => {
  it('refuses Redis before 7.0 and takes what does not say', () => {
    const demand = (version: string) => () => requireRedisVersion({ engine: 'Redis', version });
    expect(demand('6.2.14')).toThrow(expect.objectContaining({ code: 'MR_ENGINE_TOO_OLD' }) as Error);
    for (const version of ['7.0.0', '7.0.15', '10.1.0', 'unknown']) expect(demand(version)).not.toThrow();
  });
});
