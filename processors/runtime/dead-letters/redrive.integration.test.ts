import { describe, onTestFinished } from 'vitest';
import { createRealKafka } from '../../../platform/kafka/kafkajs/real-kafka.ts';
import { silentLogger } from '../../../platform/log.ts';
import { requireService } from '../../../test/harness/require-service.ts';
import { redriveContract } from './redrive.contract.ts';

const service = requireService('kafka');

describe.skipIf(service.isMissing)(service.title('redrive on Apache Kafka'), () => {
  redriveContract(() => {
    const kafka = createRealKafka({
      ...{ brokers: service.address.split(','), clientId: 'millrace-test', log: silentLogger() },
    });
    onTestFinished(() => kafka.close());
    return Promise.resolve(kafka);
  });
});
