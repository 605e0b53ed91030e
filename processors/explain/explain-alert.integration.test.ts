import { onTestFinished, test } from 'vitest';
import { randomName } from '../../platform/kafka/contract/harness.contract.ts';
import { createRealKafka } from '../../platform/kafka/kafkajs/real-kafka.ts';
import { silentLogger } from '../../platform/log.ts';
import { requireService } from '../../test/harness/require-service.ts';
import { expectSame, raiseAlerts } from './explain-alert.contract.ts';

const service = requireService('kafka');

test.skipIf(service.isMissing)(
  service.title('alerts of a record and of time, raised on Kafka through a restart, are decided again'),
  { timeout: 180_000 },
  async () => {
    const brokers = service.address.split(',');
    const kafka = createRealKafka({ brokers, clientId: 'millrace-test', log: silentLogger() });
    onTestFinished(() => kafka.close());
    const run = { kafka, namespace: randomName('explain') };
    await expectSame(run, await raiseAlerts(run));
  },
);
