import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { MillraceError } from '../../platform/errors.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { findProgram, startWhatCan, testVariables, unnamedServers } from './test-services.mjs';

it('starts every server that the environment does not name', () => {
  expect(unnamedServers({})).toEqual(['kafka', 'redis', 'postgres', 'clickhouse']);
  const named = { MR_TEST_REDIS_URL: 'redis://127.0.0.1:1', MR_TEST_CLICKHOUSE_URL: 'http://127.0.0.1:2' };
  expect(unnamedServers({ ...named, MR_TEST_POSTGRES_URL: '' })).toEqual(['kafka', 'postgres']);
});

it('gives the tests what they read, and no setting of the product', () => {
  const settings = {
    MR_KAFKA_BROKERS: '127.0.0.1:1',
    MR_CLICKHOUSE_URL: 'http://127.0.0.1:2',
    MR_CLICKHOUSE_USER: 'millrace',
    MR_CLICKHOUSE_PASSWORD: 'secret',
    MR_CLICKHOUSE_READONLY_USER: 'reader',
  };
  expect(testVariables(settings)).toEqual({
    MR_TEST_KAFKA_BROKERS: '127.0.0.1:1',
    MR_TEST_CLICKHOUSE_URL: 'http://127.0.0.1:2',
    MR_TEST_CLICKHOUSE_USER: 'millrace',
    MR_TEST_CLICKHOUSE_PASSWORD: 'secret',
  });
});

it('names a server that cannot start, and starts the others', async () => {
  const up = async (kinds: readonly string[]) => {
    if (kinds.includes('postgres'))
      throw new MillraceError('MR_STACK_START_FAILED', 'no user for PostgreSQL\nlog: …');
    return { settings: Object.fromEntries(kinds.map((kind) => [kind, 'up'])) };
  };
  expect(await startWhatCan(up, ['kafka', 'redis'])).toEqual({
    settings: { kafka: 'up', redis: 'up' },
    missing: [],
  });
  expect(await startWhatCan(up, ['redis', 'postgres', 'clickhouse'])).toEqual({
    settings: { redis: 'up', clickhouse: 'up' },
    missing: ['PostgreSQL: no user for PostgreSQL'],
  });
  const bug = () => Promise.reject(new TypeError('a bug'));
  await expect(startWhatCan(bug, ['redis'])).rejects.toThrow('a bug');
});

it('finds the first of several programs on the PATH', async () => {
  const dir = await temporaryDir();
  const [empty, full] = [join(dir, 'empty'), join(dir, 'full')];
  await mkdir(empty);
  await mkdir(full);
  await writeFile(join(full, 'chromium'), '');
  const path = ['', empty, full].join(delimiter);
  expect(findProgram(['google-chrome', 'chromium'], path)).toBe(join(full, 'chromium'));
  expect(findProgram(['firefox'], path)).toBeUndefined();
  expect(findProgram(['chromium'], undefined)).toBeUndefined();
});
