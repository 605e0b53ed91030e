/** Sends and commits to an embedded log without end; see crash-loop.ts. */
import { openSync, writeSync } from 'node:fs';
import { createLogger } from '../../../platform/log.ts';
import { openKafka } from '../../../platform/kafka/index.ts';

const [dataDir = '', ackFile = '', round = ''] = process.argv.slice(2);
const acknowledgements = openSync(ackFile, 'a');
const kafka = await openKafka({
  config: { brokers: [] },
  dataDir,
  clientId: 'chaos',
  log: createLogger('warn', 'chaos'),
});
await kafka.admin.ensureTopics([
  { topic: 'sent', partitions: 3 },
  { topic: 'pairs', partitions: 2 },
]);

function acknowledge(kind: 'sent' | 'pair', ids: readonly string[]): void {
  writeSync(acknowledgements, ids.map((id) => `${kind} ${id}\n`).join(''));
}

async function sendForever(sender: number): Promise<never> {
  const producer = kafka.producer();
  for (let call = 0; ; call++) {
    const ids = Array.from(
      { length: 1 + ((call * 7 + sender) % 40) },
      (_, i) => `${round}.${sender}.${call}.${i}`,
    );
    await producer.send(
      ids.map((id) => ({ topic: 'sent', key: id, value: Buffer.from(id.padEnd(200, '.')) })),
    );
    acknowledge('sent', ids);
  }
}

/** Each transaction writes one id to both partitions and moves an offset: all of it is there, or nothing. */
async function commitForever(): Promise<never> {
  const producer = kafka.transactionalProducer({ transactionalId: 'chaos', groupId: 'chaos' });
  await producer.init();
  const [done] = await kafka.admin.committed('chaos', 'sent');
  for (let next = (done?.offset ?? 0) + 1; ; next++) {
    const id = String(next);
    const records = [0, 1].map((partition) => ({
      topic: 'pairs',
      partition,
      key: null,
      value: Buffer.from(id),
    }));
    await producer.commit({ records, offsets: [{ topic: 'sent', partition: 0, offset: next }] });
    acknowledge('pair', [id]);
  }
}

process.stdout.write('ready\n');
await Promise.all([sendForever(0), sendForever(1), commitForever()]);
