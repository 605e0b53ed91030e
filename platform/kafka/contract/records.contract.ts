import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { partitionFor } from '../partitioner.ts';
import type { ProduceRecord } from '../port.ts';
import { newTopic, readAll, readValues, text, type Engine } from './harness.contract.ts';

/** What a producer promises: order, offsets, partitions, and that bytes come back as they went in. */
export function recordContract(engine: Engine): void {
  sending(engine);
  fidelity(engine);
  reading(engine);
}

function sending(engine: Engine): void {
  it('keeps the order of a partition and answers the offset of each record', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 3);
    const producer = kafka.producer();
    const records = numbered(topic, 30, (i) => ({ key: null, partition: i % 3 }));
    const offsets = await producer.send(records);
    await producer.close();
    expect(offsets.map((at) => at.partition)).toEqual(records.map((record) => record.partition));
    for (let partition = 0; partition < 3; partition++) {
      const stored = await readAll(kafka, { topic, partition });
      expect(stored.map((record) => text(record.value))).toEqual(
        records.filter((record) => record.partition === partition).map((record) => text(record.value)),
      );
      expect(stored.map((record) => record.offset)).toEqual(
        offsets.filter((at) => at.partition === partition).map((at) => at.offset),
      );
    }
  });

  it('chooses the partition that the Java producer would choose', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 5);
    const producer = kafka.producer();
    const keys = [...Array.from({ length: 40 }, (_, i) => `visitor-${i}`), 'größe', '键', '🛒', ''];
    const offsets = await producer.send(keys.map((key) => ({ topic, key, value: Buffer.from(key) })));
    await producer.close();
    expect(offsets.map((at) => at.partition)).toEqual(keys.map((key) => partitionFor(key, 5)));
  });

  it('keeps the order of sends that overlap', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    const producer = kafka.producer();
    const records = numbered(topic, 200, (i) => ({ key: null, partition: i % 2 }));
    const sends: Promise<unknown>[] = [];
    for (let i = 0; i < records.length; i += 10) sends.push(producer.send(records.slice(i, i + 10)));
    await Promise.all(sends);
    await producer.close();
    for (const partition of [0, 1]) {
      expect(await readValues(kafka, topic, partition)).toEqual(
        records.filter((record) => record.partition === partition).map((record) => text(record.value)),
      );
    }
  });

  it('answers an empty send with nothing', async () => {
    const producer = engine().kafka.producer();
    expect(await producer.send([])).toEqual([]);
    await producer.close();
  });
}

function fidelity(engine: Engine): void {
  it('brings back keys, headers, timestamps, null values and unicode as they were', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const timestampMs = Date.now() - 1_000;
    const producer = kafka.producer();
    await producer.send([
      {
        topic,
        key: 'größe 键 🛒',
        value: Buffer.from('naïve ☃'),
        timestampMs,
        headers: { überschrift: '値', empty: '' },
      },
      { topic, key: 'deleted', value: null, timestampMs },
      { topic, key: null, value: Buffer.alloc(0), timestampMs },
    ]);
    await producer.close();
    const [first, second, third] = await readAll(kafka, { topic, partition: 0 });
    expect(text(first?.key ?? null)).toBe('größe 键 🛒');
    expect(text(first?.value ?? null)).toBe('naïve ☃');
    expect(first?.headers).toEqual({ überschrift: '値', empty: '' });
    expect(first?.timestampMs).toBe(timestampMs);
    expect(second).toMatchObject({ key: Buffer.from('deleted'), value: null, headers: {}, timestampMs });
    expect(third).toMatchObject({ key: null, value: Buffer.alloc(0), headers: {} });
  });

  it('stamps a record without a timestamp with the time of sending', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const producer = kafka.producer();
    const beforeMs = Date.now();
    await producer.send([{ topic, key: 'a', value: null }]);
    await producer.close();
    const [record] = await readAll(kafka, { topic, partition: 0 });
    expect(record?.timestampMs).toBeGreaterThanOrEqual(beforeMs);
    expect(record?.timestampMs).toBeLessThanOrEqual(Date.now());
  });

  it('carries a record of one megabyte', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1, { 'max.message.bytes': '2097152' });
    const value = randomBytes(1_048_576);
    const producer = kafka.producer();
    await producer.send([{ topic, key: 'large', value }]);
    await producer.close();
    const [record] = await readAll(kafka, { topic, partition: 0 });
    expect(record?.value?.equals(value)).toBe(true);
  });
}

function reading(engine: Engine): void {
  it('reads a partition from an offset to its end, and nothing of an empty one', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2);
    const producer = kafka.producer();
    const sent = await producer.send(numbered(topic, 10, () => ({ key: null, partition: 0 })));
    await producer.close();
    const fromOffset = sent[6]?.offset ?? -1;
    const rest = await readAll(kafka, { topic, partition: 0, fromOffset });
    expect(rest.map((record) => text(record.value))).toEqual(['6', '7', '8', '9']);
    expect(await readAll(kafka, { topic, partition: 1 })).toEqual([]);
  });

  it('reads what was sent before the call and ends', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const producer = kafka.producer();
    await producer.send(numbered(topic, 3, () => ({ key: null, partition: 0 })));
    const seen: (string | null)[] = [];
    for await (const batch of kafka.readToEnd({ topic, partition: 0 })) {
      expect(batch).toMatchObject({ topic, partition: 0 });
      expect(batch.nextOffset).toBeGreaterThan(batch.records.at(-1)?.offset ?? -1);
      seen.push(...batch.records.map((record) => text(record.value)));
      await producer.send(numbered(topic, 1, () => ({ key: null, partition: 0 })));
    }
    await producer.close();
    expect(seen).toEqual(['0', '1', '2']);
  });

  it('loses none of 20,000 records', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 4);
    const producer = kafka.producer();
    const records = numbered(topic, 20_000, (i) => ({ key: `key-${i % 997}` }));
    const sends: Promise<unknown>[] = [];
    for (let i = 0; i < records.length; i += 1_000) sends.push(producer.send(records.slice(i, i + 1_000)));
    await Promise.all(sends);
    await producer.close();
    for (let partition = 0; partition < 4; partition++) {
      expect(await readValues(kafka, topic, partition)).toEqual(
        records
          .filter((record) => partitionFor(record.key ?? '', 4) === partition)
          .map((record) => text(record.value)),
      );
    }
  });
}

/** Records with their number as value. */
function numbered(
  topic: string,
  count: number,
  rest: (i: number) => { readonly key: string | null; readonly partition?: number },
): ProduceRecord[] {
  return Array.from({ length: count }, (_, i) => ({ topic, value: Buffer.from(String(i)), ...rest(i) }));
}
