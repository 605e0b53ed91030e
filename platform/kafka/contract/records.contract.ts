import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { MillraceError } from '../../errors.ts';
import { partitionFor } from '../partitioner.ts';
import { JAVA_PARTITIONS } from './java-partitions.contract.ts';
import type { ProduceRecord } from '../port.ts';
import { newTopic, randomName, readAll, readValues, text, type Engine } from './harness.contract.ts';

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

  it('puts keys where Java was seen to put them', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 12);
    const producer = kafka.producer();
    const offsets = await producer.send(JAVA_PARTITIONS.map(([key]) => ({ topic, key, value: null })));
    await producer.close();
    expect(offsets.map((at) => at.partition)).toEqual(JAVA_PARTITIONS.map(([, , partition]) => partition));
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

  it('brings back a key that is no text', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 3);
    const keys = [Buffer.from([0xff, 0, 0xfe]), Buffer.alloc(0), Buffer.from('text')];
    const producer = kafka.producer();
    await producer.send(keys.map((key) => ({ topic, partition: 1, key, value: null })));
    expect((await readAll(kafka, { topic, partition: 1 })).map(({ key }) => key)).toEqual(keys);
    // The same bytes go where the text goes.
    const [asBytes, asText] = await producer.send(
      [Buffer.from('order-1'), 'order-1'].map((key) => ({ topic, key, value: null })),
    );
    expect(asBytes?.partition).toBe(asText?.partition);
    await producer.close();
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

  it('brings back many headers, empty, long and in any script', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const headers: Record<string, string> = {
      '': 'no name',
      empty: '',
      long: 'ü'.repeat(40_000),
      '🛒': '\u0000',
    };
    for (let i = 0; i < 300; i++) headers[`header-${i}`] = String(i);
    const producer = kafka.producer();
    await producer.send([
      { topic, key: 'many', value: null, headers },
      { topic, key: 'none', value: null, headers: {} },
    ]);
    await producer.close();
    const [many, none] = await readAll(kafka, { topic, partition: 0 });
    expect(many?.headers).toEqual(headers);
    expect(none?.headers).toEqual({});
  });

  it('refuses a record that is larger than its topic takes, by name and size, and goes on', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 2, { 'max.message.bytes': '100000' });
    const producer = kafka.producer();
    const record = (partition: number, bytes: number) => ({
      topic,
      partition,
      key: null,
      value: randomBytes(bytes),
    });
    await producer.send([record(0, 10), record(1, 10)]);
    const refused: unknown = await producer.send([record(0, 150_000)]).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'MR_KAFKA_PRODUCE_FAILED',
      retryable: false,
      message: expect.stringContaining(topic) as string,
      context: { topic, partition: 0 },
    });
    const { bytes } = (refused as MillraceError).context;
    expect(bytes).toBeGreaterThanOrEqual(150_000);
    expect(bytes).toBeLessThan(151_000);
    const [next] = await producer.send([record(0, 10)]);
    await producer.close();
    expect(next?.offset).toBe(1);
    expect(await readAll(kafka, { topic, partition: 0 })).toHaveLength(2);
  });

  it('takes many small records at once where the topic takes only little at a time', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1, { 'max.message.bytes': '20000' });
    const producer = kafka.producer();
    const records = numbered(topic, 600, () => ({ key: 'k'.repeat(100) }));
    const offsets = await producer.send(records);
    await producer.send(numbered(topic, 3, () => ({ key: null })));
    await producer.close();
    expect(offsets.map((at) => at.offset)).toEqual(records.map((_, i) => i));
    expect(await readValues(kafka, topic, 0)).toEqual([...records.map((r) => text(r.value)), '0', '1', '2']);
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

  it('refuses to read from behind the end, and reads nothing at it', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    expect(await readAll(kafka, { topic, partition: 0, fromOffset: 0 })).toEqual([]);
    await expect(readAll(kafka, { topic, partition: 0, fromOffset: 1 })).rejects.toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
    });
  });

  it('refuses records for a topic or a partition that does not exist, for good', async () => {
    const { kafka } = engine();
    const topic = await newTopic(kafka, 1);
    const producer = kafka.producer();
    for (const record of [
      { topic, key: null, value: null, partition: 7 },
      { topic: randomName('missing'), key: 'a', value: null },
    ])
      await expect(producer.send([record])).rejects.toMatchObject({ retryable: false });
    await producer.close();
    await expect(producer.send([{ topic, key: null, value: null }])).rejects.toMatchObject({
      retryable: false,
    });
    expect(await readAll(kafka, { topic, partition: 0 })).toEqual([]);
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
