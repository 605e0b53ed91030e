import { openSync, writeSync } from 'node:fs';
import { createLogger } from '../../log.ts';
import type { ProduceRecord } from '../port.ts';
import { openEmbeddedLog } from './embedded-log.ts';

/**
 * The process that the crash test kills: it sends, commits and compacts without end and notes each acknowledgement in
 * a file, which the kernel keeps whatever happens to the process. Arguments: directory, file of acknowledgements, round.
 */
const [dir = '', ackFile = '', round = ''] = process.argv.slice(2);
const acks = openSync(ackFile, 'a');
const kafka = await openEmbeddedLog({
  ...{ dir, log: createLogger('warn', 'crash-writer') },
  segmentBytes: 128 * 1024,
  compactionSlackBytes: 16 * 1024,
  maintenanceIntervalMs: 20,
});
await kafka.admin.ensureTopics([
  { topic: 'sent', partitions: 4, config: { 'retention.ms': '-1' } },
  { topic: 'committed', partitions: 2, config: { 'retention.ms': '-1' } },
  { topic: 'compacted', partitions: 1, config: { 'cleanup.policy': 'compact' } },
]);

async function sendForever(sender: number): Promise<never> {
  const producer = kafka.producer();
  for (let call = 0; ; call++) {
    const records = Array.from({ length: 1 + ((call * 7 + sender) % 40) }, (_, i): ProduceRecord => {
      const id = `${round}.${sender}.${call}.${i}`;
      return { topic: 'sent', key: id, value: Buffer.from(id.padEnd(20 + ((call * 31) % 300), '.')) };
    });
    const offsets = await producer.send(records);
    const lines = offsets.map((at, i) => `sent ${at.partition} ${at.offset} ${records[i]?.key ?? ''}\n`);
    writeSync(acks, lines.join(''));
  }
}

async function commitForever(): Promise<never> {
  const producer = kafka.transactionalProducer({ transactionalId: 'crash', groupId: 'crash' });
  await producer.init();
  const [done] = await kafka.admin.committed('crash', 'sent');
  for (let next = (done?.offset ?? 0) + 1; ; next++) {
    const value = Buffer.from(String(next));
    const records = [0, 1].map((partition) => ({ topic: 'committed', partition, key: null, value }));
    await producer.commit({ records, offsets: [{ topic: 'sent', partition: 0, offset: next }] });
    writeSync(acks, `committed ${next}\n`);
  }
}

async function updateForever(): Promise<never> {
  const producer = kafka.producer();
  for (let version = 1; ; version++) {
    const key = `key-${version % 10}`;
    const value = Buffer.from(`${round}.${version} `.padEnd(500, '.'));
    await producer.send([{ topic: 'compacted', key, value }]);
    writeSync(acks, `compacted ${key} ${round} ${version}\n`);
  }
}

process.stdout.write('ready\n');
await Promise.all([sendForever(0), sendForever(1), sendForever(2), commitForever(), updateForever()]);
