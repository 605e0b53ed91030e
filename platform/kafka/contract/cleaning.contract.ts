import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Kafka, TopicPartitionOffset } from '../port.ts';
import { newTopic, readAll, text, until, type Engine } from './harness.contract.ts';

/** What cleanup.policy promises: old records go by time and by size, of each key the latest value stays. */
export function cleaningContract(engine: Engine): void {
  retention(engine);
  compaction(engine);
}

/**
 * Repeats until the log has been cleaned. A log of ours cleans when it is closed; a broker by itself, every so often
 * (log.retention.check.interval.ms, log.cleaner.backoff.ms).
 */
async function untilCleaned(
  engine: Engine,
  what: string,
  isClean: (kafka: Kafka) => Promise<boolean>,
): Promise<Kafka> {
  await until(`${what}; a broker must look often: log.retention.check.interval.ms`, async () => {
    await engine().reopen?.();
    return isClean(engine().kafka);
  });
  return engine().kafka;
}

async function startOf(kafka: Kafka, topic: string): Promise<number> {
  return (await kafka.admin.offsets(topic))[0]?.start ?? -1;
}

async function send(
  kafka: Kafka,
  topic: string,
  records: readonly { readonly key?: string; readonly value: Buffer | null; readonly timestampMs?: number }[],
): Promise<readonly TopicPartitionOffset[]> {
  const producer = kafka.producer();
  const offsets = await producer.send(records.map((record) => ({ key: null, ...record, topic })));
  await producer.close();
  return offsets;
}

function retention(engine: Engine): void {
  it('lets go of records past retention.ms, and refuses to read from before the new start', async () => {
    const topic = await newTopic(engine().kafka, 1, { 'retention.ms': '60000' });
    const hourAgoMs = Date.now() - 3_600_000;
    const old = ['a', 'b', 'c'].map((value) => ({ value: Buffer.from(value), timestampMs: hourAgoMs }));
    await send(engine().kafka, topic, old);
    const kafka = await untilCleaned(
      engine,
      'the old are gone',
      async (k) => (await startOf(k, topic)) === 3,
    );
    expect(await send(kafka, topic, [{ value: Buffer.from('new') }])).toEqual([
      { topic, partition: 0, offset: 3 },
    ]);
    expect((await readAll(kafka, { topic, partition: 0 })).map((record) => text(record.value))).toEqual([
      'new',
    ]);
    await expect(readAll(kafka, { topic, partition: 0, fromOffset: 1 })).rejects.toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
      retryable: false,
    });
  });

  it('keeps a partition near retention.bytes, the youngest records always', async () => {
    const config = { 'retention.bytes': '500000', 'segment.bytes': '1048576' };
    const topic = await newTopic(engine().kafka, 1, config);
    const round = [0, 1].map(() => ({ value: randomBytes(600_000) }));
    for (let i = 0; i < 3; i++) {
      await send(engine().kafka, topic, round);
      await engine().reopen?.();
    }
    const kafka = await untilCleaned(
      engine,
      'the first are gone',
      async (k) => (await startOf(k, topic)) > 0,
    );
    const left = await readAll(kafka, { topic, partition: 0 });
    expect(left[0]?.offset).toBe(await startOf(kafka, topic));
    expect(left.at(-1)?.offset).toBe(5);
    expect(left.at(-1)?.value?.equals(round[1]?.value ?? Buffer.alloc(0))).toBe(true);
  });
}

function compaction(engine: Engine): void {
  it('keeps the latest record of each key at its offset, and forgets what was deleted', async () => {
    const config = {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '0',
      'segment.ms': '200',
    };
    const topic = await newTopic(engine().kafka, 1, config);
    const keys = ['a', 'b', 'c', 'd'];
    for (let round = 0; round < 12; round++) {
      const value = Buffer.alloc(40_000, `${round} `);
      await send(
        engine().kafka,
        topic,
        keys.map((key) => ({ key, value })),
      );
    }
    const last = await send(engine().kafka, topic, [
      { key: 'a', value: Buffer.from('last of a') },
      { key: 'b', value: Buffer.from('last of b') },
      { key: 'c', value: null },
    ]);
    const byKey = async (kafka: Kafka) => {
      const records = await readAll(kafka, { topic, partition: 0 });
      return records.filter((record) => text(record.key) !== 'filler');
    };
    const kafka = await untilCleaned(engine, 'three keys are left', async (k) => {
      // Only what is behind the segment being written is cleaned.
      await send(k, topic, [{ key: 'filler', value: Buffer.from('next') }]);
      return (await byKey(k)).length === 3;
    });
    const left = await byKey(kafka);
    expect(left.map((record) => [text(record.key), record.offset])).toEqual([
      ['d', 47],
      ['a', last[0]?.offset],
      ['b', last[1]?.offset],
    ]);
    expect(left.slice(1).map((record) => text(record.value))).toEqual(['last of a', 'last of b']);
    expect(left[0]?.value?.equals(Buffer.alloc(40_000, '11 '))).toBe(true);
    // Offsets are never given again, and a reader may start in a hole.
    const from = await readAll(kafka, { topic, partition: 0, fromOffset: 1 });
    expect(from[0]?.offset).toBe(47);
  });
}
