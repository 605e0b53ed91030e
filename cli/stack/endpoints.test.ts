import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../platform/config.ts';
import { exportLines, stackEndpoints } from './endpoints.ts';
import type { StackService, StackServiceKind, StackState } from './state.ts';

const credentials = {
  kafka: 'kafka-password-1',
  redis: 'redis-password-1',
  postgres: 'postgres-password',
  clickhouse: 'clickhouse-password',
  clickhouseReader: 'clickhouse-reader',
};

function state(secure: boolean): StackState {
  const service = (name: string, kind: StackServiceKind, port: number): StackService => ({
    ...{ name, kind, port, pid: 42, identity: 'boot/1', dir: '/tmp', version: '', startedAtMs: 0 },
    tls: secure && kind !== 'clickhouse',
  });
  const services = [
    service('redis', 'redis', 6379),
    service('postgres', 'postgres', 5432),
    service('clickhouse', 'clickhouse', 8123),
    service('kafka-1', 'kafka', 9092),
    service('kafka-2', 'kafka', 9093),
    service('kafka-3', 'kafka', 9094),
  ];
  return { version: 1, controllerPort: 9091, secure, services };
}

describe('the settings of a stack', () => {
  it('are settings of Millrace, with what the secure profile asks for', () => {
    const access = { credentials, secure: true, ca: 'PEM' };
    const { settings, brokers } = stackEndpoints(state(true), access, '/tmp/tls/ca.pem');
    const config = parseConfig(settings);
    expect(config.kafka).toMatchObject({ brokers: brokers.split(','), tls: { caFile: '/tmp/tls/ca.pem' } });
    expect(config.kafka.sasl).toMatchObject({ mechanism: 'scram-sha-512', user: 'millrace' });
    expect(config.kafka.sasl?.password.reveal()).toBe(credentials.kafka);
    expect(config.redis.url?.reveal()).toBe('rediss://:redis-password-1@127.0.0.1:6379');
    expect(config.clickhouse.password.reveal()).toBe(credentials.clickhouse);
    expect(brokers).toBe('127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094');
  });

  it('ask for no password of Kafka and Redis without it', () => {
    const access = { credentials, secure: false, ca: undefined };
    const { settings, redisUrl } = stackEndpoints(state(false), access, '/tmp/tls/ca.pem');
    expect(redisUrl).toBe('redis://127.0.0.1:6379');
    expect(Object.keys(settings).filter((name) => name.startsWith('MR_KAFKA'))).toEqual(['MR_KAFKA_BROKERS']);
    expect(settings['MR_POSTGRES_URL']).toBe(
      `postgres://millrace:${credentials.postgres}@127.0.0.1:5432/millrace`,
    );
  });
});

it('writes lines that a shell takes as they are', () => {
  expect(exportLines({ B: "/a folder/it's", A: 'redis://:p@127.0.0.1:1' })).toEqual([
    'export A=redis://:p@127.0.0.1:1',
    `export B='/a folder/it'\\''s'`,
  ]);
});
