import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Kafka as VendorKafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { requireService } from '../../../test/harness/require-service.ts';
import { silentLogger } from '../../log.ts';
import {
  byPartition,
  Members,
  newTopic,
  randomName,
  readValues,
  until,
} from '../contract/harness.contract.ts';
import type { Kafka, TopicPartition } from '../port.ts';
import { createRealKafka } from './real-kafka.ts';

const service = requireService('kafka');
const SESSION_MS = 3_000;

/** What needs a real broker, and more than the port can do: other clients, and processes that die. */
describe.skipIf(service.isMissing)(service.title('Apache Kafka with others about'), () => {
  let kafka: Kafka;
  beforeAll(() => {
    kafka = createRealKafka({
      brokers: service.address.split(','),
      clientId: 'millrace-test',
      log: silentLogger(),
      sessionTimeoutMs: SESSION_MS,
    });
  });
  afterAll(() => kafka.close());

  async function sendPlain(topic: string, value: string): Promise<void> {
    const producer = kafka.producer();
    await producer.send([{ topic, partition: 0, key: null, value: Buffer.from(value) }]);
    await producer.close();
  }

  it('ends at an open transaction, shows nothing of an aborted one, and goes on behind it', async () => {
    const topic = await newTopic(kafka, 1);
    const client = new VendorKafka({ brokers: service.address.split(','), logLevel: logLevel.NOTHING });
    const other = client.producer({
      transactionalId: randomName('tx'),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await other.connect();
    onTestFinished(() => other.disconnect());
    await sendPlain(topic, 'before');
    const members = new Members();
    onTestFinished(() => members.stop());
    const member = await members.join(kafka, randomName('group'), [topic]);

    const doomed = await other.transaction();
    await doomed.send({ topic, messages: [{ value: 'aborted', partition: 0 }] });
    await sendPlain(topic, 'held back');
    expect(await kafka.admin.offsets(topic)).toEqual([{ partition: 0, start: 0, end: 1 }]);
    expect(await readValues(kafka, topic, 0)).toEqual(['before']);
    await member.until('it is idle at the last stable offset', () =>
      member.batches.some((batch) => batch.nextOffset === 1 && batch.endOffset === 1),
    );
    expect(member.values()).toEqual(['before']);

    await doomed.abort();
    await member.until('it goes on', () => member.values().length === 2);
    expect(member.values()).toEqual(['before', 'held back']);
    expect(await readValues(kafka, topic, 0)).toEqual(['before', 'held back']);

    const good = await other.transaction();
    await good.send({ topic, messages: [{ value: 'committed', partition: 0 }] });
    await good.commit();
    await member.until('the committed one is there', () => member.values().length === 3);
    expect(member.values().at(-1)).toBe('committed');
  });

  it('reads what other clients write: keys that are no text, no value, a header with several values', async () => {
    const topic = await newTopic(kafka, 1);
    const client = new VendorKafka({ brokers: service.address.split(','), logLevel: logLevel.NOTHING });
    const other = client.producer({ allowAutoTopicCreation: false });
    await other.connect();
    onTestFinished(() => other.disconnect());
    const key = Buffer.from([0xff, 0x00, 0xfe]);
    const messages = [{ key, value: null, headers: { twice: ['first', 'second'] }, partition: 0 }];
    await other.send({ topic, messages });
    const seen = [];
    for await (const batch of kafka.readToEnd({ topic, partition: 0 })) seen.push(...batch.records);
    expect(seen[0]?.key?.equals(key)).toBe(true);
    expect(seen[0]?.value).toBeNull();
    expect(seen[0]?.headers['twice']).toBe('second');
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'takes over the partitions of a member that got %s',
    async (signal) => {
      const topic = await newTopic(kafka, 2);
      const groupId = randomName('group');
      const script = fileURLToPath(new URL('./testing/group-child.contract.ts', import.meta.url));
      const args = ['--import', 'tsx', script, service.address, groupId, topic, String(SESSION_MS)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const exit = once(child, 'exit');
      onTestFinished(async () => {
        child.kill('SIGKILL');
        await exit;
      });
      const said: string[] = [];
      child.stdout.on('data', (bytes: Buffer) => said.push(...bytes.toString().trim().split('\n')));
      await until('the child has both', () => said.at(-1) === '2');
      let owned: readonly TopicPartition[] = [];
      const consumer = kafka.groupConsumer({ groupId, topics: [topic], assign: byPartition });
      onTestFinished(() => consumer.close());
      await consumer.start({
        onAssigned: async (partitions) => void (owned = partitions),
        onRevoked: async () => void (owned = []),
      });
      await until('each has one', () => owned.length === 1 && said.at(-1) === '1');
      const startedMs = performance.now();
      child.kill(signal);
      await until('the partition of the other came over', () => owned.length === 2);
      // Not before the session is over: a member that is slow for a moment keeps what it has.
      expect(performance.now() - startedMs).toBeGreaterThan(SESSION_MS / 3);
    },
  );
});
