import { randomBytes } from 'node:crypto';
import { describe } from 'vitest';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { clickHouseContract } from './clickhouse.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openClickHouse } from './open.ts';
import type { ClickHouse } from './port.ts';
import { writerContract } from './writer.contract.ts';

const url = process.env['MR_TEST_CLICKHOUSE_URL'];
/** No package registry holds a ClickHouse server, so CI says where it has one and a missing one is a failure. */
const required = process.env['MR_TEST_CLICKHOUSE_REQUIRED'] !== undefined;
const log = silentLogger();

async function open(): Promise<ClickHouse> {
  if (url === undefined) throw new Error('MR_TEST_CLICKHOUSE_URL is not set');
  return openClickHouse({
    config: {
      url,
      user: process.env['MR_TEST_CLICKHOUSE_USER'] ?? 'default',
      password: new Secret(process.env['MR_TEST_CLICKHOUSE_PASSWORD'] ?? ''),
      database: `test_${randomBytes(6).toString('hex')}`,
    },
    dataDir: '.',
    log,
  });
}

describe.skipIf(url === undefined && !required)(
  'a ClickHouse server (skipped without MR_TEST_CLICKHOUSE_URL)',
  () => {
    clickHouseContract('server', open);
    migrateContract('server', open);
    writerContract('server', open);
  },
);
