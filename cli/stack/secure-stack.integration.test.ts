import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig, Secret, type Config } from '../../platform/config.ts';
import type { KafkaConfig } from '../../platform/config.ts';
import { openKafka } from '../../platform/kafka/index.ts';
import type { Kafka } from '../../platform/kafka/port.ts';
import { silentLogger } from '../../platform/log.ts';
import { openOnlineStore } from '../../platform/online-store/index.ts';
import { openPostgres } from '../../platform/postgres/index.ts';
import { skipOrFail } from '../../test/harness/require-service.ts';
import { makeTemporaryDir } from '../../test/harness/temporary-dir.ts';
import { createAuthority, issueIdentity } from './certificates.ts';
import { readCredentials } from './credentials.ts';
import { choosePort } from './ports.ts';
import { availableServices, STACK_SERVICES } from './services.ts';
import { DEFAULT_CACHE_DIR, stackDown, stackStatus, stackUp } from './stack.ts';

const DAY_MS = 86_400_000;
const { leftOut } = await availableServices(DEFAULT_CACHE_DIR);
const parts = skipOrFail(leftOut.map(({ service, reason }) => `${service}: ${reason}`).join(' '));

async function valuesOf(kafka: Kafka, topic: string): Promise<string[]> {
  const values: string[] = [];
  for await (const { records } of kafka.readToEnd({ topic, partition: 0 }))
    values.push(...records.map(({ value }) => String(value)));
  return values;
}

describe.skipIf(parts.isMissing)(parts.title('a stack with TLS and passwords'), () => {
  let dir = '';
  let config: Config;
  /** A door of the broker whose certificate ran out yesterday; its authority is known. */
  let expired: KafkaConfig;
  let otherCaFile = '';

  beforeAll(async () => {
    const temporary = await makeTemporaryDir();
    dir = temporary.path;
    const validity = { from: new Date(Date.now() - 30 * DAY_MS), to: new Date(Date.now() + DAY_MS) };
    const authority = await createAuthority('Another authority', validity);
    const past = { from: validity.from, to: new Date(Date.now() - DAY_MS) };
    const { certificate, key } = await issueIdentity(authority, ['127.0.0.1'], past);
    otherCaFile = join(dir, 'other-ca.pem');
    const keyStore = join(dir, 'expired.pem');
    await writeFile(otherCaFile, authority.certificate);
    await writeFile(keyStore, key + certificate, { mode: 0o600 });
    const port = await choosePort(0);
    const { settings } = await stackUp({
      dir,
      services: STACK_SERVICES,
      secure: true,
      anyPorts: true,
      heapMb: 256,
      extraListeners: [{ name: 'EXPIRED', port, keyStore }],
    });
    config = parseConfig(settings);
    expired = { brokers: [`127.0.0.1:${port}`], tls: { ...config.kafka.tls!, caFile: otherCaFile } };
    return async () => {
      await stackDown({ dir, wipe: true });
      await temporary.remove();
    };
  }, 180_000);

  async function connect(kafka: KafkaConfig): Promise<Kafka> {
    const client = await openKafka({ config: kafka, dataDir: dir, clientId: 'secure', log: silentLogger() });
    onTestFinished(() => client.close());
    return client;
  }

  it('carries records and transactions', async () => {
    const kafka = await connect(config.kafka);
    const topic = `secure-${randomUUID()}`;
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    const record = (text: string) => ({ topic, partition: 0, key: null, value: Buffer.from(text) });
    await kafka.producer().send([record('sent')]);
    const producer = kafka.transactionalProducer({ transactionalId: topic, groupId: topic });
    await producer.init();
    await producer.commit({
      records: [record('committed')],
      offsets: [{ topic, partition: 0, offset: 1 }],
    });
    // The coordinator marks the records as committed a moment after it has acknowledged the transaction.
    await expect.poll(() => valuesOf(kafka, topic), { timeout: 20_000 }).toEqual(['sent', 'committed']);
    expect(await kafka.admin.committed(topic, topic)).toEqual([{ topic, partition: 0, offset: 1 }]);
  });

  const sasl = (change: { user?: string; password?: Secret }): KafkaConfig => ({
    ...config.kafka,
    sasl: { ...config.kafka.sasl!, ...change },
  });
  it.each<[string, () => KafkaConfig, string]>([
    ['a wrong password', () => sasl({ password: new Secret('wrong') }), 'MR_ENGINE_AUTH_FAILED'],
    ['a user that is not there', () => sasl({ user: 'nobody' }), 'MR_ENGINE_AUTH_FAILED'],
    [
      'another authority',
      () => ({ ...config.kafka, tls: { ...config.kafka.tls!, caFile: otherCaFile } }),
      'MR_ENGINE_TLS_FAILED',
    ],
    [
      'the authorities of Node.js',
      () => ({ ...config.kafka, tls: { ...config.kafka.tls!, caFile: undefined } }),
      'MR_ENGINE_TLS_FAILED',
    ],
    ['an expired certificate', () => expired, 'MR_ENGINE_TLS_FAILED'],
    ['a client without TLS', () => ({ brokers: config.kafka.brokers }), 'MR_ENGINE_TLS_FAILED'],
  ])('Kafka with %s is refused soon and by name', async (_, kafkaConfig, code) => {
    const kafka = await connect(kafkaConfig());
    const startedMs = performance.now();
    await expect(kafka.ping(10_000)).rejects.toMatchObject({ code, retryable: false });
    await expect(kafka.admin.topicNames()).rejects.toMatchObject({ code });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it('opens Redis by TLS and password alone', async () => {
    const open = (change: Partial<Config['redis']>) =>
      openOnlineStore({
        redis: { ...config.redis, ...change },
        dataDir: dir,
        keyPrefix: 'secure:',
        deadlineMs: 5000,
        log: silentLogger(),
      });
    const store = await open({});
    expect(store.kind).toBe('redis');
    await store.close();
    const withoutPassword = new Secret(config.redis.url!.reveal().replace(/:[^:@]+@/, ''));
    await expect(open({ url: withoutPassword })).rejects.toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED' });
    await expect(open({ caFile: otherCaFile })).rejects.toMatchObject({ code: 'MR_ENGINE_TLS_FAILED' });
  });

  it('opens PostgreSQL by TLS and password', async () => {
    const open = (change: Partial<Config['postgres']>) =>
      openPostgres({ config: { ...config.postgres, ...change }, dataDir: dir, log: silentLogger() });
    const postgres = await open({});
    const rows = await postgres.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toMatchObject([{ ssl: true }]);
    await postgres.close();
    const wrong = new Secret(config.postgres.url!.reveal().replace(/:[^:@]+@/, ':wrong@'));
    const refused = async () => {
      const client = await open({ url: wrong });
      onTestFinished(() => client.close());
      await client.query('select 1');
    };
    await expect(refused()).rejects.toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED' });
  });

  it('opens ClickHouse by password, and to read by another one', async () => {
    const ask = async (user: string, password: string, statement: string) => {
      const response = await fetch(String(config.clickhouse.url), {
        method: 'POST',
        headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
        body: statement,
      });
      await response.text();
      return response.status;
    };
    const { clickhouse, clickhouseReader } = (await readCredentials(dir))!;
    const create = 'create table default.t (n Int8) engine = MergeTree order by n';
    expect(await ask('millrace', 'wrong', 'select 1')).toBe(403);
    expect(await ask('millrace', clickhouse, create)).toBe(200);
    expect(await ask('reader', clickhouseReader, 'select count() from default.t')).toBe(200);
    expect(await ask('reader', clickhouseReader, 'drop table default.t')).not.toBe(200);
  });

  it('shows its passwords to nobody else', async () => {
    const secrets = Object.values((await readCredentials(dir))!);
    for (const service of await stackStatus({ dir })) {
      const shown = JSON.stringify(service) + (await readFile(`/proc/${service.pid}/cmdline`, 'latin1'));
      expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    }
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const text = await readFile(file, 'latin1');
      if (secrets.some((secret) => text.includes(secret)))
        expect([file, (await stat(file)).mode & 0o077]).toEqual([file, 0]);
    }
  });
});
