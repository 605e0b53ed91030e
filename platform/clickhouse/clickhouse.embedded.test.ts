import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { clickHouseContract } from './clickhouse.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openClickHouse } from './open.ts';
import type { ClickHouse } from './port.ts';
import { writerContract } from './writer.contract.ts';

const log = silentLogger();
let dataDir: string;
let databases = 0;

function open(database = `test_${++databases}`): Promise<ClickHouse> {
  return openClickHouse({
    config: { url: undefined, user: 'default', password: new Secret(''), database },
    dataDir,
    log,
  });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

clickHouseContract('in process', open);
migrateContract('in process', open);
writerContract('in process', open);

describe('ClickHouse in process', () => {
  it('keeps its rows when it is closed and opened again', async () => {
    const first = await open('again');
    await first.command('CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n');
    await first.insert('t', [{ n: 7 }]);
    await first.close();
    await expect(first.query('SELECT 1')).rejects.toMatchObject({
      code: 'MR_CLICKHOUSE_UNAVAILABLE',
      retryable: false,
    });
    const second = await open('again');
    expect(await second.query('SELECT n FROM t')).toEqual([{ n: 7 }]);
    await second.close();
  });

  it('waits for what is running when it is closed', async () => {
    const clickhouse = await open();
    const slow = clickhouse.query('SELECT sleep(0.3) AS slept');
    await clickhouse.close();
    expect(await slow).toEqual([{ slept: 0 }]);
  });

  it('refuses a directory that another process has open, and names that process', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-owned-'));
    const owner = await ownInAnotherProcess(join(dir, 'clickhouse'));
    try {
      await expect(
        openClickHouse({
          config: { url: undefined, user: 'default', password: new Secret(''), database: 'mine' },
          dataDir: dir,
          log,
        }),
      ).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE', context: { pid: owner.pid } });
    } finally {
      await owner.end();
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('refuses a second directory in the same process', async () => {
    const clickhouse = await open();
    const other = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-other-'));
    await expect(
      openClickHouse({
        config: { url: undefined, user: 'default', password: new Secret(''), database: 'mine' },
        dataDir: other,
        log,
      }),
    ).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE' });
    await clickhouse.close();
    await rm(other, { recursive: true, force: true });
  });

  it('says what to do where chdb cannot be loaded', async () => {
    const refused = openClickHouse({
      config: { url: undefined, user: 'default', password: new Secret(''), database: 'none' },
      dataDir,
      log,
      loadChdb: () => Promise.reject(new Error("Cannot find package 'chdb'")),
    });
    await expect(refused).rejects.toMatchObject({ code: 'MR_EMBEDDED_UNAVAILABLE', retryable: false });
    await expect(refused).rejects.toThrow(/MR_CLICKHOUSE_URL/);
  });
});

const OWNER = `
const [, chdb, path] = process.argv;
const connection = require(chdb).createChdbConnection({ path });
process.stdout.write('open');
process.stdin.on('end', () => connection.close().then(() => process.exit(0))).resume();
`;

/** Another process that has the directory open until its stdin ends. */
async function ownInAnotherProcess(path: string): Promise<{ pid: number | undefined; end(): Promise<void> }> {
  const chdb = createRequire(import.meta.url).resolve('chdb/connection');
  const child = spawn(process.execPath, ['-e', OWNER, chdb, path], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid,
    async end() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
