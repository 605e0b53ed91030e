import { silentLogger } from '../../log.ts';
import { createRandom } from '../../random.ts';
import { systemScheduler } from '../../scheduler.ts';
import { kafkaContract } from '../kafka.contract.ts';
import { createRealKafka } from '../kafkajs/real-kafka.ts';
import { createSimulatedCluster } from './index.ts';

const open = async () => {
  const cluster = createSimulatedCluster({ scheduler: systemScheduler, random: createRandom('contract') });
  const host = { scheduler: systemScheduler, deliver: (call: () => void) => call() };
  const kafka = createRealKafka({
    brokers: cluster.bootstrap,
    clientId: 'millrace-test',
    log: silentLogger(),
    connect: cluster.connectFrom(host),
    sessionTimeoutMs: 3000,
  });
  return { kafka, close: () => kafka.close() };
};

kafkaContract('simulated brokers', open, { cleans: false });
