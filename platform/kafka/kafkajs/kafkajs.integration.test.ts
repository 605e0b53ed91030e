import { describe } from 'vitest';
import { requireService } from '../../../test/harness/require-service.ts';
import { silentLogger } from '../../log.ts';
import { kafkaContract } from '../kafka.contract.ts';
import { createRealKafka } from './real-kafka.ts';

const service = requireService('kafka');

describe.skipIf(service.isMissing)(service.title('Apache Kafka'), () => {
  kafkaContract('Apache Kafka', async () => {
    const kafka = createRealKafka({
      brokers: service.address.split(','),
      clientId: 'millrace-test',
      log: silentLogger(),
    });
    return { kafka, close: () => kafka.close() };
  });
});
