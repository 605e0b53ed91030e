import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readValues } from '../contract/harness.contract.ts';
import { Scratch, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const topic = 't';

describe('a full disk', () => {
  it('refuses sends when little room is left, and goes on reading', async () => {
    const dir = scratch.directory();
    const roomy = await scratch.open(dir);
    await roomy.admin.ensureTopics([{ topic, partitions: 1 }]);
    await sendValues(roomy, { topic }, ['a']);
    await roomy.close();
    const full = await scratch.open(dir, { minFreeBytes: Number.MAX_SAFE_INTEGER });
    await expect(sendValues(full, { topic }, ['b'])).rejects.toMatchObject({
      code: 'MR_KAFKA_PRODUCE_FAILED',
      cause: { code: 'ENOSPC' },
    });
    await expect(full.admin.ensureTopics([{ topic: 'other', partitions: 1 }])).rejects.toMatchObject({
      code: 'MR_KAFKA_PRODUCE_FAILED',
      retryable: true,
    });
    const producer = full.transactionalProducer({ transactionalId: 'x', groupId: 'g' });
    await expect(producer.init()).rejects.toMatchObject({ code: 'MR_KAFKA_TRANSACTION_UNKNOWN' });
    expect(await readValues(full, topic, 0)).toEqual(['a']);
    await full.close();
    const again = await scratch.open(dir);
    await sendValues(again, { topic }, ['c']);
    expect(await readValues(again, topic, 0)).toEqual(['a', 'c']);
  });

  it('takes back a write that the system cut short, and takes smaller ones after it', () => {
    const dir = scratch.directory();
    const code = `
      const { openEmbeddedLog } = await import(process.argv[1]);
      const { silentLogger } = await import(process.argv[2]);
      const kafka = await openEmbeddedLog({ dir: process.argv[3], log: silentLogger(), minFreeBytes: 0 });
      await kafka.admin.ensureTopics([{ topic: 't', partitions: 1, config: { 'max.message.bytes': '9000000' } }]);
      const producer = kafka.producer();
      const send = (bytes, mark) => producer.send([{ topic: 't', key: mark, value: Buffer.alloc(bytes, mark) }]);
      const outcomes = [];
      for (const [bytes, mark] of [[1000, 'a'], [3000000, 'b'], [1000, 'c'], [60000, 'd']]) {
        outcomes.push(await send(bytes, mark).then(([at]) => at.offset, (error) => error.code + ' ' + error.cause.code));
      }
      const keys = [];
      for await (const batch of kafka.readToEnd({ topic: 't', partition: 0 })) {
        for (const record of batch.records) keys.push(record.key.toString());
      }
      await kafka.close();
      console.log(JSON.stringify({ outcomes, keys }));
    `;
    const modules = ['./embedded-log.ts', '../../log.ts'].map((path) => new URL(path, import.meta.url).href);
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', code, ...modules, dir];
    // A limit of one megabyte for files: writes past it fail as on a full disk, in the same place of the log.
    const { stdout, stderr } = spawnSync('bash', ['-c', 'ulimit -f 1024; exec "$@"', 'bash', ...node]);
    expect(stderr.toString()).toBe('');
    expect(JSON.parse(stdout.toString())).toEqual({
      outcomes: [0, 'MR_KAFKA_PRODUCE_FAILED EFBIG', 1, 2],
      keys: ['a', 'c', 'd'],
    });
  });
});
