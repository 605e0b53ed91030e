import { byPartition } from '../../contract/harness.contract.ts';
import { silentLogger } from '../../../log.ts';
import { createRealKafka } from '../real-kafka.ts';

/**
 * A group member in a process of its own, for a test to kill or to stop. Arguments: brokers, group, topic, session
 * time-out. Writes how many partitions it has, a line for each assignment.
 */
const [brokers = '', groupId = '', topic = '', sessionTimeoutMs = ''] = process.argv.slice(2);
const kafka = createRealKafka({
  brokers: brokers.split(','),
  clientId: 'millrace-test-child',
  log: silentLogger(),
  sessionTimeoutMs: Number(sessionTimeoutMs),
});
const consumer = kafka.groupConsumer({ groupId, topics: [topic], assign: byPartition });
await consumer.start({
  onAssigned: async (partitions) => void process.stdout.write(`${partitions.length}\n`),
  onRevoked: async () => undefined,
});
for (;;) await consumer.poll(1_000);
