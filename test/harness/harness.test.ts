import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { requireService, skipOrFail } from './require-service.ts';
import { temporaryDir } from './temporary-dir.ts';
import { waitUntil } from './wait-until.ts';

describe('requireService', () => {
  it('gives the address of a service that is there', () => {
    const kafka = requireService('kafka', { MR_TEST_KAFKA_BROKERS: '127.0.0.1:9092', CI: 'true' });
    expect(kafka).toMatchObject({ address: '127.0.0.1:9092', isMissing: false });
    expect(kafka.title('the log')).toBe('the log');
  });

  it('skips visibly on a developer’s machine', () => {
    const redis = requireService('redis', {});
    expect(redis.isMissing).toBe(true);
    expect(redis.title('the store')).toBe('the store (skipped: no redis: MR_TEST_REDIS_URL is not set)');
  });

  it('fails in CI', () => {
    expect(() => requireService('redis', { CI: 'true' })).toThrow('CI must run this suite, but no redis');
    expect(() => skipOrFail('without Java', { CI: '1' })).toThrow('without Java');
    expect(skipOrFail('', { CI: '1' }).isMissing).toBe(false);
  });
});

describe('waitUntil', () => {
  it('returns the first value that holds', async () => {
    let count = 0;
    expect(await waitUntil(() => (++count === 3 ? count : undefined), { intervalMs: 0 })).toBe(3);
  });

  it('says what did not hold in time, and passes an error on at once', async () => {
    const never = waitUntil(() => false, { timeoutMs: -1, what: 'the third record' });
    await expect(never).rejects.toThrow('the third record did not hold within -1 ms');
    const failing = waitUntil(() => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
  });
});

describe('temporaryDir', () => {
  let earlier = '';

  it('is there during the test', async () => {
    earlier = await temporaryDir();
    expect(existsSync(earlier)).toBe(true);
  });

  it('is gone after it', () => {
    expect(earlier).not.toBe('');
    expect(existsSync(earlier)).toBe(false);
  });
});
