import { inspect } from 'node:util';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';
import { SETTINGS, Secret, envExample, parseConfig, parseDuration } from './config.ts';
import { MillraceError } from './errors.ts';

/** The faults of an environment; empty where it is accepted. */
function faultsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MR_CONFIG_INVALID') throw error;
    return error.context['faults'] as readonly string[];
  }
}

describe('parseConfig', () => {
  it('runs embedded on loopback without any setting', () => {
    expect(parseConfig({ PATH: '/bin' })).toMatchObject({
      dataDir: '.millrace/data',
      namespace: '',
      kafka: { brokers: [] },
      clickhouse: { url: undefined, user: 'default', database: 'millrace' },
      redis: { url: undefined },
      httpHost: '127.0.0.1',
      ingest: { port: 8081, keys: [], maxBodyBytes: 1_048_576, maxEvents: 1000 },
      serving: { port: 8080, keys: [] },
      processing: { commitIntervalMs: 1000, outOfOrderMs: 5000, graceMs: 30_000, cardBurstCount: 5 },
    });
  });

  it('takes an empty variable as absent', () => {
    expect(parseConfig({ MR_KAFKA_BROKERS: '', MR_REDIS_URL: '', MR_SERVING_PORT: '' })).toMatchObject({
      kafka: { brokers: [] },
      redis: { url: undefined },
      serving: { port: 8080 },
    });
  });

  it('reads lists, numbers, durations and secrets', () => {
    const config = parseConfig({
      MR_KAFKA_BROKERS: ' a:9092, b:9093 ,',
      MR_INGEST_KEYS: 'key-of-16-letters,another-key-of-more',
      MR_REDIS_URL: 'rediss://:hidden@redis:6380/1',
      MR_COMMIT_INTERVAL: '250ms',
      MR_NAMESPACE: 'replay-2024',
    });
    expect(config.kafka.brokers).toEqual(['a:9092', 'b:9093']);
    expect(config.ingest.keys.map((key) => key.reveal())).toEqual([
      'key-of-16-letters',
      'another-key-of-more',
    ]);
    expect(config.redis.url?.reveal()).toBe('rediss://:hidden@redis:6380/1');
    expect(config.processing.commitIntervalMs).toBe(250);
    expect(config.clickhouse.database).toBe('millrace_replay_2024');
  });

  it('takes the time zone of the shop by its IANA name', () => {
    expect(parseConfig({}).processing.shopTimeZone).toBe('UTC');
    expect(parseConfig({ MR_SHOP_TIME_ZONE: 'Asia/Kolkata' }).processing.shopTimeZone).toBe('Asia/Kolkata');
    expect(faultsOf({ MR_SHOP_TIME_ZONE: 'Berlin' })).toEqual([
      'MR_SHOP_TIME_ZONE: needs an IANA name such as Europe/Berlin',
    ]);
  });

  it('names every fault in one message, cross-field ones included', () => {
    const faults = faultsOf({
      MR_SERVING_PORT: '99999',
      MR_COMMIT_INTERVAL: 'soon',
      MR_LOG_LEVEL: 'loud',
      MR_UNKNOWN: '1',
      MR_HTTP_HOST: '0.0.0.0',
      MR_KAFKA_BROKERS: 'nowhere',
    });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'MR_UNKNOWN',
      'MR_LOG_LEVEL',
      'MR_SERVING_PORT',
      'MR_COMMIT_INTERVAL',
      'MR_SERVING_KEYS',
      'MR_KAFKA_BROKERS',
    ]);
  });

  it.each([
    ['MR_SERVING_KEYS', 'short'],
    ['MR_INGEST_KEYS', 'long-enough-key-123,short'],
    ['MR_REDIS_URL', 'http://:hidden@redis'],
    ['MR_CLICKHOUSE_URL', 'http://me:hidden@clickhouse:8123'],
    ['MR_CLICKHOUSE_URL', 'clickhouse:8123'],
    ['MR_CLICKHOUSE_DATABASE', 'Robert"; DROP'],
    ['MR_NAMESPACE', 'Über'],
    ['MR_SERVING_PORT', '80.5'],
    ['MR_SERVING_PORT', 'http'],
    ['MR_SERVING_PORT', '-1'],
    ['MR_COMMIT_INTERVAL', '19ms'],
    ['MR_COMMIT_INTERVAL', '61s'],
    ['MR_INGEST_MAX_BODY_BYTES', '1'],
    ['MR_KAFKA_BROKERS', 'a:9092,b'],
  ])('refuses %s=%s without showing a secret', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name}: `));
    expect(faults[0]).not.toMatch(/hidden|short/);
  });

  it('refuses an unknown variable with our prefix, but leaves those of tests alone', () => {
    expect(faultsOf({ MR_KAFKA_BROKER: 'a:1' })).toEqual(['MR_KAFKA_BROKER: no such setting']);
    expect(faultsOf({ MR_TEST_REDIS_URL: 'redis://x', OTHER: '1' })).toEqual([]);
  });

  it('is frozen at every level', () => {
    const config = parseConfig({});
    for (const part of [config, config.kafka, config.kafka.brokers, config.processing, config.ingest])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('needs a key beyond loopback', () => {
    expect(faultsOf({ MR_HTTP_HOST: '0.0.0.0' })).toHaveLength(1);
    expect(faultsOf({ MR_HTTP_HOST: '0.0.0.0', MR_SERVING_KEYS: 'key-of-16-letters' })).toEqual([]);
    expect(faultsOf({ MR_HTTP_HOST: 'localhost' })).toEqual([]);
  });
});

describe('Secret', () => {
  it('shows itself nowhere but in reveal', () => {
    const secret = new Secret('hidden');
    const lines: string[] = [];
    pino({}, { write: (line: string) => lines.push(line) }).info({ secret }, 'message');
    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9 }),
      lines.join(''),
    ];
    expect(shown.join('\n')).not.toContain('hidden');
    expect(secret.reveal()).toBe('hidden');
  });
});

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['24h', 86_400_000],
    [' 7d ', 604_800_000],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-1s', '1 s', '1e3s', '5min', 'Infinitys', '.5s'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it('reads every whole number in every unit', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
    fc.assert(
      fc.property(fc.nat(100_000), fc.constantFrom(...Object.entries(units)), (n, [unit, ms]) => {
        expect(parseDuration(`${n}${unit}`)).toBe(n * ms);
      }),
    );
  });
});

describe('.env.example', () => {
  it('is what the settings generate', () => {
    expect(readFileSync(join(PACKAGE_ROOT, '.env.example'), 'utf8')).toBe(envExample());
  });

  it('shows examples that are accepted', () => {
    const examples = Object.entries(SETTINGS).map(([name, { example }]) => [name, example] as const);
    expect(faultsOf(Object.fromEntries(examples))).toEqual([]);
  });
});

it('gives the session of a group member bounds', () => {
  expect(parseConfig({}).kafka.sessionTimeoutMs).toBe(15_000);
  expect(parseConfig({ MR_KAFKA_SESSION_TIMEOUT: '6s' }).kafka.sessionTimeoutMs).toBe(6000);
  // Below three heartbeats one that is lost would cost all tasks.
  expect(faultsOf({ MR_KAFKA_SESSION_TIMEOUT: '2s' })).toHaveLength(1);
});

describe('the log-in to Kafka', () => {
  it('takes TLS and SCRAM together', () => {
    const config = parseConfig({
      MR_KAFKA_TLS: 'true',
      MR_KAFKA_CA_FILE: 'ca.pem',
      MR_KAFKA_SASL: 'scram-sha-512',
      MR_KAFKA_USER: 'millrace',
      MR_KAFKA_PASSWORD: 'hidden',
    });
    expect(config.kafka.tls).toEqual({ caFile: 'ca.pem', certFile: undefined, keyFile: undefined });
    expect(config.kafka.sasl).toMatchObject({ mechanism: 'scram-sha-512', user: 'millrace' });
    expect(JSON.stringify(config)).not.toContain('hidden');
  });

  it('names what is missing or has no effect', () => {
    expect(faultsOf({ MR_KAFKA_SASL: 'plain' })).toEqual([
      'MR_KAFKA_USER: needed with MR_KAFKA_SASL',
      'MR_KAFKA_PASSWORD: needed with MR_KAFKA_SASL',
    ]);
    expect(faultsOf({ MR_KAFKA_CA_FILE: 'ca.pem' })).toEqual([
      'MR_KAFKA_CA_FILE: has no effect without MR_KAFKA_TLS=true',
    ]);
    expect(faultsOf({ MR_KAFKA_TLS: 'true', MR_KAFKA_CERT_FILE: 'c.pem' })).toEqual([
      'MR_KAFKA_CERT_FILE and MR_KAFKA_KEY_FILE: needed together',
    ]);
    expect(faultsOf({ MR_KAFKA_TLS: 'yes' })).toEqual(['MR_KAFKA_TLS: needs true or false']);
  });
});
