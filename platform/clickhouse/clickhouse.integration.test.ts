import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { requireService } from '../../test/harness/require-service.ts';
import { FULL_USER, spawnClickHouse, type SpawnedClickHouse } from '../../test/harness/spawn-clickhouse.ts';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { clickHouseContract } from './clickhouse.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openClickHouse } from './open.ts';
import type { ClickHouse } from './port.ts';
import { writerContract } from './writer.contract.ts';

const log = silentLogger();

function openAt(url: string, user: string, password: string): Promise<ClickHouse> {
  return openClickHouse({
    config: { url, user, password: new Secret(password), database: `test_${randomBytes(6).toString('hex')}` },
    dataDir: '.',
    log,
  });
}

const server = requireService('clickhouse');
describe.skipIf(server.isMissing)(server.title('a ClickHouse server'), () => {
  const open = () =>
    openAt(
      server.address,
      process.env['MR_TEST_CLICKHOUSE_USER'] ?? 'default',
      process.env['MR_TEST_CLICKHOUSE_PASSWORD'] ?? '',
    );
  clickHouseContract('server', open);
  migrateContract('server', open);
  writerContract('server', open);
});

describe('millrace clickhouse, over HTTP', () => {
  let served: SpawnedClickHouse;
  beforeAll(async () => {
    served = await spawnClickHouse();
  });
  afterAll(() => served.stop());
  const open = () => openAt(served.url, FULL_USER.username, FULL_USER.password);
  clickHouseContract('millrace clickhouse', open);
  migrateContract('millrace clickhouse', open);
  writerContract('millrace clickhouse', open);
});
