import { openSync, writeSync } from 'node:fs';
import { createLogger } from '../../log.ts';
import { hasCode } from '../../errors.ts';
import type { ProduceRecord, TransactionalProducer } from '../port.ts';
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
  { topic: 'expiring', partitions: 1, config: { 'retention.bytes': '200000' } },
]);

async function sendForever(sender: number): Promise<never> {
  const producer = kafka.producer();
  for (let call = 0; ; call++) {
    const records = Array.from({ length: 1 + ((call * 7 + sender) % 40) }, (_, i): ProduceRecord => {
      const id = `${round}.${sender}.${call}.${i}`;
      return { topic: 'sent', key: id, value: Buffer.from(id.padEnd(20 + ((call * 31) % 300), '.')) };
    });
    const offsets = await producer.send(records);
    const lines = offsets.map(
      (at, i) => `sent ${at.partition} ${at.offset} ${String(records[i]?.key ?? '')}\n`,
    );
    writeSync(acks, lines.join(''));
  }
}

async function commitForever(): Promise<never> {
  let producer = kafka.transactionalProducer({ transactionalId: 'crash', groupId: 'crash' });
  await producer.init();
  const [done] = await kafka.admin.committed('crash', 'sent');
  for (let next = (done?.offset ?? 0) + 1; ; next++) {
    const value = Buffer.from(String(next));
    const records = [0, 1].map((partition) => ({ topic: 'committed', partition, key: null, value }));
    await producer.commit({ records, offsets: [{ topic: 'sent', partition: 0, offset: next }] });
    writeSync(acks, `committed ${next}\n`);
    if (next % 5 !== 0) continue;
    const fenced = producer;
    producer = kafka.transactionalProducer({ transactionalId: 'crash', groupId: 'crash' });
    const taking = producer.init();
    await abort(fenced, records);
    await taking;
  }
}

/** Another producer holds the id by now, so nothing of this may ever be seen. */
async function abort(fenced: TransactionalProducer, records: readonly ProduceRecord[]): Promise<void> {
  const wrong = records.map((record) => ({ ...record, value: Buffer.from('aborted') }));
  await fenced.commit({ records: wrong, offsets: [{ topic: 'sent', partition: 0, offset: 0 }] }).then(
    () => writeSync(acks, 'fenced-commit\n'),
    (error: unknown) => {
      if (!hasCode(error, 'MR_KAFKA_FENCED')) throw error;
    },
  );
}

async function expireForever(): Promise<never> {
  const producer = kafka.producer();
  for (let call = 0; ; call++) {
    const id = `${round}.${call}`;
    const [at] = await producer.send([
      { topic: 'expiring', key: null, value: Buffer.from(id.padEnd(2_000)) },
    ]);
    writeSync(acks, `expiring ${at?.offset ?? -1} ${id}\n`);
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
await Promise.all([...[sendForever(0), sendForever(1), commitForever(), updateForever(), expireForever()]]);
