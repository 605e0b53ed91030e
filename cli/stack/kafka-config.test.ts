import { describe, expect, it } from 'vitest';
import { javaOptions, kafkaProperties, log4jProperties, propertiesText } from './kafka-config.ts';

const broker = { nodeId: 1, clientPort: 9092, dataDir: '/tmp/data' };

describe('kafkaProperties', () => {
  it('makes node 1 broker and controller, on loopback only', () => {
    const properties = kafkaProperties(broker, { brokers: 1, controllerPort: 9091 });
    expect(properties).toMatchObject({
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': '1@127.0.0.1:9091',
      listeners: 'CLIENT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9091',
      'advertised.listeners': 'CLIENT://127.0.0.1:9092',
      'auto.create.topics.enable': 'false',
      'group.initial.rebalance.delay.ms': '0',
    });
  });

  it('makes further nodes brokers of the same controller', () => {
    const second = { nodeId: 2, clientPort: 9093, dataDir: '/tmp/2' };
    expect(kafkaProperties(second, { brokers: 3, controllerPort: 9091 })).toMatchObject({
      'process.roles': 'broker',
      listeners: 'CLIENT://127.0.0.1:9093',
      'controller.quorum.voters': '1@127.0.0.1:9091',
    });
  });

  it.each([
    [1, '1', '1'],
    [3, '3', '2'],
  ])('with %i broker(s): %s replicas, %s in sync, for every internal topic', (brokers, replicas, inSync) => {
    const properties = kafkaProperties(broker, { brokers, controllerPort: 9091 });
    const ending = (end: string) =>
      Object.entries(properties).flatMap(([key, value]) => (key.endsWith(end) ? [value] : []));
    expect(new Set(ending('replication.factor'))).toEqual(new Set([replicas]));
    expect(new Set([...ending('min.isr'), ...ending('min.insync.replicas')])).toEqual(new Set([inSync]));
  });
});

describe('the secure profile', () => {
  const security = { user: 'u', password: 'p', keyStore: '/tmp/key-store.pem', ca: '/tmp/ca.pem' };
  const properties = kafkaProperties(
    { ...broker, extraListeners: [{ name: 'EXPIRED', port: 9099, keyStore: '/tmp/expired.pem' }] },
    { brokers: 3, controllerPort: 9091, security },
  );

  it('leaves no listener without TLS, and no client without a log-in', () => {
    expect(properties).toMatchObject({
      'listener.security.protocol.map': 'CLIENT:SASL_SSL,CONTROLLER:SSL,EXPIRED:SSL',
      'listener.name.controller.ssl.client.auth': 'required',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    });
    expect(Object.values(properties).join()).not.toContain('PLAINTEXT');
  });

  it('opens further doors with certificates of their own', () => {
    expect(properties).toMatchObject({
      listeners: 'CLIENT://127.0.0.1:9092,EXPIRED://127.0.0.1:9099,CONTROLLER://127.0.0.1:9091',
      'advertised.listeners': 'CLIENT://127.0.0.1:9092,EXPIRED://127.0.0.1:9099',
      'listener.name.expired.ssl.keystore.location': '/tmp/expired.pem',
    });
  });
});

describe('propertiesText', () => {
  it('writes a line for each property and escapes backslashes', () => {
    expect(propertiesText({ a: '1', 'log.dirs': 'C:\\data' })).toBe('a=1\nlog.dirs=C:\\\\data\n');
  });
});

it('bounds the logs and the heap', () => {
  expect(log4jProperties('/tmp/server.log')).toContain('appender.file.strategy.max=2\n');
  expect(javaOptions({ heapMb: 768 }, '/tmp/log4j2.properties', '/tmp/1/tmp')).toEqual(
    expect.arrayContaining(['-Xms256m', '-Xmx768m', '-Dlog4j2.configurationFile=/tmp/log4j2.properties']),
  );
});
