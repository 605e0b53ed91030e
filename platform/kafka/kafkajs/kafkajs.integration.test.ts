import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../log.ts';
import { kafkaContract } from '../kafka.contract.ts';
import { createRealKafka } from './real-kafka.ts';

const brokers = process.env['MR_TEST_KAFKA_BROKERS'];

if (brokers === undefined && process.env['CI'] !== undefined)
  describe('Apache Kafka', () => {
    it('is there in CI', () => expect(brokers, 'set MR_TEST_KAFKA_BROKERS').toBeDefined());
  });

describe.skipIf(brokers === undefined)('Apache Kafka (needs MR_TEST_KAFKA_BROKERS)', () => {
  kafkaContract('Apache Kafka', async () => {
    const kafka = createRealKafka({
      brokers: (brokers ?? '').split(','),
      clientId: 'millrace-test',
      log: silentLogger(),
    });
    return { kafka, close: () => kafka.close() };
  });
});
