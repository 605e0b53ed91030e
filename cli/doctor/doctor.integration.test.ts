import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requireService } from '../../test/harness/require-service.ts';
import { runMillrace } from '../../test/harness/millrace-process.ts';
import { spawnClickHouse } from '../../test/harness/spawn-clickhouse.ts';
import { spawnPostgres } from '../../test/harness/spawn-postgres.ts';
import { spawnRedis } from '../../test/harness/spawn-redis.ts';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { createAuthority, issueIdentity } from '../stack/certificates.ts';
import type { SystemCheck } from './check.ts';

const kafka = requireService('kafka');
const redis = requireService('redis');
const postgres = requireService('postgres');
const [missing = kafka] = [kafka, redis, postgres].filter((service) => service.isMissing);
const DAY_MS = 86_400_000;
const PASSWORD = 'not-the-password';

interface Doctor {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
  check(name: string): SystemCheck | undefined;
}

async function doctor(env: Readonly<Record<string, string>>): Promise<Doctor> {
  const startedMs = performance.now();
  const run = runMillrace(['doctor', '--json', '--timeout', '4s'], {
    MR_DATA_DIR: await temporaryDir(),
    ...env,
  });
  const { code, stdout } = await run.ended;
  const seconds = (performance.now() - startedMs) / 1000;
  const { checks } = JSON.parse(stdout) as { checks: readonly SystemCheck[] };
  return {
    code,
    output: stdout + run.stderr(),
    seconds,
    check: (name) => checks.find((check) => check.name === name),
  };
}

describe.skipIf(missing.isMissing)(missing.title('millrace doctor'), () => {
  it('names version, place and latency of real servers, and shows no password', async () => {
    const clickhouse = await spawnClickHouse();
    onTestFinished(() => clickhouse.stop());
    const result = await doctor({
      MR_KAFKA_BROKERS: kafka.address,
      MR_REDIS_URL: redis.address,
      MR_POSTGRES_URL: postgres.address,
      MR_CLICKHOUSE_URL: clickhouse.url,
      MR_CLICKHOUSE_USER: clickhouse.user,
      MR_CLICKHOUSE_PASSWORD: clickhouse.password,
    });
    for (const name of ['kafka', 'clickhouse', 'redis', 'postgres'])
      expect(result.check(name)).toMatchObject({
        kind: 'real',
        status: 'ok',
        version: expect.stringMatching(/^\d+\.\d+/) as string,
        latencyMs: expect.any(Number) as number,
      });
    expect(result.code).toBe(0);
    expect(result.output).not.toContain(clickhouse.password);
  });

  it('tells an unknown host from everything else, soon', async () => {
    const host = 'no-such-host.invalid';
    const result = await doctor({
      MR_KAFKA_BROKERS: `${host}:9092`,
      MR_REDIS_URL: `redis://millrace:${PASSWORD}@${host}:6379`,
      MR_POSTGRES_URL: `postgres://millrace:${PASSWORD}@${host}:5432/millrace`,
      MR_CLICKHOUSE_URL: `http://${host}:8123`,
      MR_CLICKHOUSE_PASSWORD: PASSWORD,
    });
    for (const [name, code] of [
      ['kafka', 'MR_KAFKA_UNAVAILABLE'],
      ['clickhouse', 'MR_CLICKHOUSE_UNAVAILABLE'],
      ['redis', 'MR_ONLINE_STORE_UNAVAILABLE'],
      ['postgres', 'MR_POSTGRES_UNAVAILABLE'],
    ] as const) {
      const check = result.check(name);
      expect(check).toMatchObject({ status: 'failed', code });
      expect(check?.found).toContain('the name of the host is not known');
      expect(check?.fix).not.toBe('');
    }
    expect(result.code).toBe(1);
    expect(result.output).not.toContain(PASSWORD);
    expect(result.seconds).toBeLessThan(30);
  });

  it('tells a wrong password, without showing it', async () => {
    const [store, database, clickhouse] = await Promise.all([
      spawnRedis({ extra: ['--requirepass', 'the-password'] }),
      spawnPostgres(),
      spawnClickHouse(),
    ]);
    onTestFinished(async () => {
      await Promise.all([store.stop(), database.stop(), clickhouse.stop()]);
    });
    const wrong = new URL(database.url);
    wrong.password = PASSWORD;
    const result = await doctor({
      MR_REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${store.port}`,
      MR_POSTGRES_URL: wrong.href,
      MR_CLICKHOUSE_URL: clickhouse.url,
      MR_CLICKHOUSE_USER: clickhouse.user,
      MR_CLICKHOUSE_PASSWORD: PASSWORD,
    });
    for (const name of ['clickhouse', 'redis', 'postgres'])
      expect(result.check(name)).toMatchObject({ status: 'failed', code: 'MR_ENGINE_AUTH_FAILED' });
    expect(result.output).not.toContain(PASSWORD);
  });

  it('tells an expired certificate', async () => {
    const dir = await temporaryDir();
    const now = Date.now();
    const authority = await createAuthority('Doctor', {
      from: new Date(now - DAY_MS),
      to: new Date(now + DAY_MS),
    });
    const expired = await issueIdentity(authority, ['127.0.0.1'], {
      from: new Date(now - 3 * DAY_MS),
      to: new Date(now - DAY_MS),
    });
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const caFile = file('ca.pem', authority.certificate);
    const tls = ['--tls-cert-file', file('server.pem', expired.certificate)];
    tls.push('--tls-key-file', file('server.key', expired.key), '--tls-ca-cert-file', caFile);
    const store = await spawnRedis({ tls: true, extra: [...tls, '--tls-auth-clients', 'no'] });
    const database = await spawnPostgres({ tls: expired });
    onTestFinished(async () => {
      await Promise.all([store.stop(), database.stop()]);
    });
    const result = await doctor({
      MR_REDIS_URL: `rediss://127.0.0.1:${store.port}`,
      MR_REDIS_CA_FILE: caFile,
      MR_POSTGRES_URL: database.url,
      MR_POSTGRES_CA_FILE: caFile,
    });
    for (const name of ['redis', 'postgres']) {
      expect(result.check(name)).toMatchObject({ status: 'failed', code: 'MR_ENGINE_TLS_FAILED' });
      expect(result.check(name)?.found).toContain('has expired');
    }
    expect(result.check('MR_REDIS_CA_FILE')).toMatchObject({ status: 'warning' });
  });
});
