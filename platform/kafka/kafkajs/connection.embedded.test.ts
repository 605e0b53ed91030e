import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { KafkaConfig } from '../../config.ts';
import { silentLogger } from '../../log.ts';
import { Secret } from '../../settings.ts';
import { openKafka } from '../index.ts';
import type { Kafka } from '../port.ts';
import { AUTHORITY, EXPIRED, VALID } from './testing/certificates.contract.ts';
import { listenAsBroker, type SocketBrokerOptions } from './testing/socket-broker.contract.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function pemFile(text: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mr-pem-'));
  closers.push(() => rm(dir, { recursive: true }));
  const path = join(dir, 'file.pem');
  await writeFile(path, text);
  return path;
}

async function open(config: KafkaConfig): Promise<Kafka> {
  const kafka = await openKafka({ config, dataDir: 'unused', clientId: 'test', log: silentLogger() });
  closers.push(() => kafka.close());
  return kafka;
}

async function openOn(
  broker: SocketBrokerOptions,
  config: Omit<KafkaConfig, 'brokers'> = {},
): Promise<Kafka> {
  const listening = await listenAsBroker(broker);
  closers.push(() => listening.close());
  return open({ ...config, brokers: [`localhost:${listening.port}`] });
}

const files = { caFile: undefined, certFile: undefined, keyFile: undefined };
const trusted = async () => ({ tls: { ...files, caFile: await pemFile(AUTHORITY) } });
const sasl = { mechanism: 'plain', user: 'millrace', password: new Secret('not-shown-anywhere') } as const;

describe('a connection to Kafka', () => {
  it('answers what is there, over TLS, with the authority of MR_KAFKA_CA_FILE', async () => {
    const kafka = await openOn({ certificate: VALID, metadataLevel: 26 }, await trusted());
    await expect(kafka.ping(10_000)).resolves.toBeUndefined();
    const { engine, version, where } = await kafka.info(10_000);
    expect([engine, version]).toEqual(['Apache Kafka', '4.1']);
    expect(where).toMatch(/^localhost:\d+$/);
  });

  it('does not make up a version that the broker does not tell', async () => {
    expect((await (await openOn({})).info(10_000)).version).toBe('unknown');
    expect((await (await openOn({ metadataLevel: 900 })).info(10_000)).version).toBe('4.4 or newer');
  });

  it('tells an expired certificate, one of an unknown authority, and which side expects TLS', async () => {
    const faults: [SocketBrokerOptions, Omit<KafkaConfig, 'brokers'>, string][] = [
      [{ certificate: EXPIRED }, await trusted(), 'has expired'],
      [{ certificate: VALID }, { tls: files }, 'was not signed by a known authority'],
      [{}, await trusted(), 'perhaps this port does not speak TLS'],
      [{ alertsPlainText: true }, {}, 'this port expects TLS (MR_KAFKA_TLS=true)'],
    ];
    for (const [broker, config, words] of faults) {
      const kafka = await openOn(broker, config);
      await expect(kafka.ping(10_000)).rejects.toMatchObject({
        code: 'MR_ENGINE_TLS_FAILED',
        message: expect.stringContaining(words) as string,
      });
    }
  });

  it('tells a refused log-in, for good and without the password', async () => {
    const kafka = await openOn({ logIn: 'refuse' }, { sasl });
    const error: unknown = await kafka.ping(10_000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED', retryable: false });
    expect(JSON.stringify(error) + String(error)).not.toContain('not-shown');
    // Nor do those who try again by themselves.
    await expect(kafka.admin.topicNames()).rejects.toMatchObject({ code: 'MR_ENGINE_AUTH_FAILED' });
  });

  it('does not take a connection that is lost in the middle of a log-in for a refusal', async () => {
    const kafka = await openOn({ logIn: 'cut' }, { sasl });
    await expect(kafka.ping(10_000)).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE', retryable: true });
  });

  it('names the host that is not known or where nothing listens, at once', async () => {
    const faults: [string, string][] = [
      ['millrace-test.invalid:9092', 'the name of the host is not known'],
      ['127.0.0.1:1', 'nothing listens on that port'],
    ];
    for (const [broker, words] of faults) {
      const kafka = await open({ brokers: [broker] });
      const startedMs = performance.now();
      await expect(kafka.ping(60_000)).rejects.toMatchObject({
        code: 'MR_KAFKA_UNAVAILABLE',
        message: `no answer from Kafka at ${broker}: ${words}`,
      });
      expect(performance.now() - startedMs).toBeLessThan(10_000);
    }
  });

  it('says within its time that a broker is silent', async () => {
    const kafka = await openOn({ silent: ['Metadata'] });
    await expect(kafka.ping(200)).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
      message: expect.stringContaining('within 200 ms') as string,
    });
  });

  it('refuses a broker that lacks a version of a request, and names both', async () => {
    const old = await openOn({ versions: { OffsetFetch: [0, 6] } });
    await expect(old.ping(10_000)).rejects.toMatchObject({
      code: 'MR_ENGINE_TOO_OLD',
      message: expect.stringContaining('version 7 of OffsetFetch, the broker speaks 0 to 6') as string,
    });
    const older = await openOn({ versions: { InitProducerId: 'none' } });
    await expect(older.ping(10_000)).rejects.toMatchObject({ code: 'MR_ENGINE_TOO_OLD' });
    const younger = await openOn({ versions: { Produce: [9, 30] } });
    await expect(younger.ping(10_000)).rejects.toMatchObject({
      code: 'MR_KAFKA_FAILED',
      message: expect.stringContaining('the lowest is 9') as string,
    });
  });

  it('refuses a release below 3.9', async () => {
    const kafka = await openOn({ metadataLevel: 20 });
    await expect(kafka.ping(10_000)).rejects.toMatchObject({
      code: 'MR_ENGINE_TOO_OLD',
      message: 'Apache Kafka 3.8 is too old: Millrace needs 3.9 or newer',
    });
  });
});

describe('the files of the TLS settings', () => {
  const brokers = ['localhost:9092'];

  it('are read at the start, and each fault names its setting', async () => {
    const good = await pemFile(VALID.cert);
    const faults: [Partial<typeof files> | Record<string, string>, RegExp][] = [
      [{ caFile: '/nowhere/ca.pem' }, /^MR_KAFKA_CA_FILE: \/nowhere\/ca\.pem cannot be read/],
      [{ caFile: await pemFile('hello') }, /^MR_KAFKA_CA_FILE: .* is no PEM file/],
      [{ certFile: good, keyFile: '/nowhere/key.pem' }, /^MR_KAFKA_KEY_FILE: .*cannot be read/],
      [{ certFile: good, keyFile: await pemFile(EXPIRED.key) }, /^MR_KAFKA_CERT_FILE, MR_KAFKA_KEY_FILE: /],
    ];
    for (const [tls, message] of faults)
      await expect(open({ brokers, tls: { ...files, ...tls } })).rejects.toMatchObject({
        code: 'MR_CONFIG_INVALID',
        message: expect.stringMatching(message) as string,
      });
  });
});
