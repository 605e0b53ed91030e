import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stackDown, stackStatus, stackUp } from '../../../cli/stack/stack.ts';
import { requireService } from '../../../test/harness/require-service.ts';
import { MillraceError } from '../../errors.ts';
import { silentLogger } from '../../log.ts';
import {
  byPartition,
  fromCommitted,
  Member,
  newTopic,
  randomName,
  readValues,
} from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { createRealKafka } from './real-kafka.ts';

// The suite kills the broker, so it starts one of its own; that needs what the shared one needed.
const service = requireService('kafka');

async function ownBroker(): Promise<{
  kafka: Kafka;
  kill: () => Promise<void>;
  start: () => Promise<unknown>;
}> {
  const dir = await mkdtemp(join(tmpdir(), 'mr-restart-'));
  const start = () => stackUp({ dir, services: ['kafka'], anyPorts: true });
  const { brokers } = await start();
  const kafka = createRealKafka({ brokers: brokers.split(','), clientId: 'restart', log: silentLogger() });
  onTestFinished(async () => {
    await kafka.close();
    await stackDown({ dir, wipe: true });
    await rm(dir, { recursive: true });
  });
  const kill = async () => {
    const [broker] = await stackStatus({ dir });
    process.kill(broker?.pid ?? 0, 'SIGKILL');
  };
  return { kafka, kill, start };
}

describe.skipIf(service.isMissing)(service.title('a broker that is killed and started again'), () => {
  it('costs a group member and a transactional id nothing: both go on by themselves', {
    timeout: 240_000,
  }, async () => {
    const { kafka, kill, start } = await ownBroker();
    const topic = await newTopic(kafka, 1);
    const id = { transactionalId: randomName('tx'), groupId: randomName('group') };
    const consumer = kafka.groupConsumer({ groupId: id.groupId, topics: [topic], assign: byPartition });
    const member = new Member(consumer, fromCommitted(kafka, id.groupId));
    await member.start();
    onTestFinished(() => member.stop());

    const committed: string[] = [];
    const outcomes = new Set<string>();
    let ended = false;
    const isOver = () => ended;
    /** As a task does: after any failure a new holder, which settles what the old one left. */
    const work = (async () => {
      for (let i = 0; !isOver(); ) {
        const producer = kafka.transactionalProducer(id);
        try {
          await producer.init();
          for (; !isOver(); i++) {
            const value = String(i);
            await producer.commit({
              records: [{ topic, key: null, value: Buffer.from(value), partition: 0 }],
              offsets: [],
            });
            committed.push(value);
          }
        } catch (error) {
          if (!(error instanceof MillraceError)) throw error;
          outcomes.add(error.code);
          // Its outcome may be unknown: the number is not used again.
          i++;
        }
        await producer.close();
      }
    })();
    await expect.poll(() => committed.length, { timeout: 30_000 }).toBeGreaterThan(20);
    await kill();
    await expect.poll(() => outcomes.size, { timeout: 90_000 }).toBeGreaterThan(0);
    const before = committed.length;
    await start();
    await expect.poll(() => committed.length, { timeout: 90_000 }).toBeGreaterThan(before + 20);
    ended = true;
    await work;

    for (const code of outcomes)
      expect(['MR_KAFKA_TRANSACTION_UNKNOWN', 'MR_KAFKA_UNAVAILABLE']).toContain(code);
    const stored = await readValues(kafka, topic, 0);
    expect(new Set(stored).size).toBe(stored.length);
    const present = new Set(stored);
    expect(committed.filter((value) => !present.has(value))).toEqual([]);
    await member.until('the member has read what there is', () => member.values().at(-1) === stored.at(-1));
    expect(new Set(member.values())).toEqual(present);
    expect(member.failure).toBeUndefined();
  });
});
