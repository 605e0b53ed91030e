import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { initialised, readAll, readValues, text } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { logBytes, readPairs, Scratch, segmentFiles, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const small = { segmentBytes: 32 * 1024, compactionSlackBytes: 4 * 1024, fsync: false };
const topic = 't';

async function settle(dir: string, bytes: number): Promise<void> {
  await vi.waitUntil(() => logBytes(dir) < bytes, { timeout: 20_000 });
}

describe('retention', () => {
  it('keeps a topic near its retention.bytes and rejects reads from before', async () => {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir, small);
    await kafka.admin.ensureTopics([{ topic, partitions: 1, config: { 'retention.bytes': '100000' } }]);
    for (let i = 0; i < 400; i++) await sendValues(kafka, { topic }, [`${i}`.padEnd(1_000, '.')]);
    await settle(dir, 250_000);
    const [at] = await kafka.admin.offsets(topic);
    expect(at?.start).toBeGreaterThan(200);
    expect(at?.end).toBe(400);
    const values = (await readValues(kafka, topic, 0)).map((value) => Number(value?.split('.')[0]));
    expect(values).toEqual(Array.from({ length: 400 - (at?.start ?? 0) }, (_, i) => (at?.start ?? 0) + i));
    await expect(readAll(kafka, { topic, partition: 0, fromOffset: 3 })).rejects.toMatchObject({
      code: 'MR_KAFKA_OFFSET_OUT_OF_RANGE',
    });
    await kafka.close();
    const again = await scratch.open(dir, small);
    const [reopened] = await again.admin.offsets(topic);
    expect(reopened?.start).toBeGreaterThanOrEqual(at?.start ?? Infinity);
    expect(reopened?.end).toBe(400);
  });

  it('drops what is older than retention.ms, and knows the end of an emptied partition', async () => {
    const dir = scratch.directory();
    let nowMs = 1_700_000_000_000;
    const options = { ...small, now: () => nowMs };
    const kafka = await scratch.open(dir, options);
    await kafka.admin.ensureTopics([{ topic, partitions: 1, config: { 'retention.ms': '3600000' } }]);
    await sendValues(kafka, { topic }, ['a', 'b']);
    await kafka.close();
    nowMs += 3_600_001;
    const later = await scratch.open(dir, options);
    await later.close();
    const again = await scratch.open(dir, options);
    expect(await again.admin.offsets(topic)).toEqual([{ partition: 0, start: 2, end: 2 }]);
    await sendValues(again, { topic }, ['c']);
    expect(
      (await readAll(again, { topic, partition: 0 })).map((record) => [record.offset, text(record.value)]),
    ).toEqual([[2, 'c']]);
  });

  it('drops what is too old from a log that nobody writes to', async () => {
    const dir = scratch.directory();
    let nowMs = 1_700_000_000_000;
    const kafka = await scratch.open(dir, { ...small, now: () => nowMs, maintenanceIntervalMs: 10 });
    await kafka.admin.ensureTopics([{ topic, partitions: 1, config: { 'retention.ms': '1000' } }]);
    await sendValues(kafka, { topic }, ['personal']);
    nowMs += 1_001;
    await vi.waitUntil(() => segmentFiles(dir).every((path) => !readFileSync(path).includes('personal')), {
      timeout: 20_000,
    });
    expect(await kafka.admin.offsets(topic)).toEqual([{ partition: 0, start: 1, end: 1 }]);
  });

  it('gives back the disk of deleted topics', async () => {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir, small);
    await kafka.admin.ensureTopics([
      { topic, partitions: 1 },
      { topic: 'kept', partitions: 1 },
    ]);
    for (let i = 0; i < 200; i++) {
      await sendValues(kafka, { topic }, ['x'.repeat(1_000)]);
      await sendValues(kafka, { topic: 'kept' }, [String(i)]);
    }
    await kafka.admin.deleteTopics([topic]);
    await kafka.close();
    expect(logBytes(dir)).toBeLessThan(60_000);
    const again = await scratch.open(dir, small);
    expect(await readValues(again, 'kept', 0)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
  });
});

describe('compaction', () => {
  const config = { 'cleanup.policy': 'compact' };

  async function update(kafka: Kafka, updates: number): Promise<Map<string, string>> {
    const latest = new Map<string, string>();
    const producer = kafka.producer();
    for (let i = 0; i < updates; i += 50) {
      const batch = Array.from({ length: 50 }, (_, k) => ({
        key: `key-${(i * 7 + k) % 25}`,
        value: `${i + k}`.padEnd(200, '.'),
      }));
      await producer.send(batch.map(({ key, value }) => ({ topic, key, value: Buffer.from(value) })));
      for (const { key, value } of batch) latest.set(key, value);
    }
    return latest;
  }

  it('keeps the latest record of each key, at its offset', async () => {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir, { ...small, hotBytes: 0 });
    await kafka.admin.ensureTopics([{ topic, partitions: 1, config }]);
    const latest = await update(kafka, 5_000);
    await kafka.close();
    expect(logBytes(dir)).toBeLessThan(60_000);
    const again = await scratch.open(dir, small);
    expect(await again.admin.offsets(topic)).toEqual([{ partition: 0, start: 0, end: 5_000 }]);
    const records = await readAll(again, { topic, partition: 0 });
    expect(records.length).toBeLessThan(500);
    expect(new Map(records.map((record) => [text(record.key), text(record.value)]))).toEqual(latest);
    for (const record of records) expect(text(record.value)?.split('.')[0]).toBe(String(record.offset));
    expect(await update(again, 50)).toBeInstanceOf(Map);
    expect((await readAll(again, { topic, partition: 0 })).at(-1)?.offset).toBe(5_049);
  });

  it('drops tombstones after delete.retention.ms, with what they delete', async () => {
    const dir = scratch.directory();
    let nowMs = 1_700_000_000_000;
    const options = { ...small, compactionSlackBytes: 0, now: () => nowMs };
    const kafka = await scratch.open(dir, options);
    await kafka.admin.ensureTopics([{ topic, partitions: 1, config }]);
    const producer = kafka.producer();
    await producer.send([
      { topic, key: 'gone', value: Buffer.from('old') },
      { topic, key: 'kept', value: Buffer.from('new') },
    ]);
    await producer.send([{ topic, key: 'gone', value: null }]);
    await kafka.close();
    let again = await scratch.open(dir, options);
    expect(await readPairs(again, topic)).toEqual([
      ['kept', 'new'],
      ['gone', null],
    ]);
    nowMs += 24 * 3_600_000 + 1;
    await sendValues(again, { topic }, ['filler'.repeat(20)]);
    await again.close();
    again = await scratch.open(dir, options);
    expect((await readPairs(again, topic)).map(([key]) => key)).toEqual(['kept', null]);
    expect(await again.admin.offsets(topic)).toEqual([{ partition: 0, start: 0, end: 4 }]);
  });

  it('leaves readers and transactions alone while it rewrites', async () => {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir, { ...small, hotBytes: 0, maintenanceIntervalMs: 5 });
    await kafka.admin.ensureTopics([
      { topic, partitions: 1, config },
      { topic: 'facts', partitions: 1 },
    ]);
    const producer = await initialised(kafka, { transactionalId: 'x', groupId: 'g' });
    const facts: string[] = [];
    for (let i = 0; i < 300; i++) {
      const value = Buffer.from(`${i}`.padEnd(600, '.'));
      facts.push(value.toString());
      await producer.commit({
        records: [
          { topic, key: `key-${i % 5}`, value },
          { topic: 'facts', key: null, value },
        ],
        offsets: [],
      });
      if (i % 20 !== 19) continue;
      expect(await readValues(kafka, 'facts', 0)).toEqual(facts);
      const states = new Map(await readPairs(kafka, topic));
      for (let key = 0; key < 5; key++) expect(states.get(`key-${(i - key) % 5}`)).toBe(facts[i - key]);
    }
    await kafka.close();
    const again = await scratch.open(dir, small);
    expect(await readValues(again, 'facts', 0)).toEqual(facts);
    expect((await readPairs(again, topic)).length).toBeLessThan(100);
  });

  it('joins small segments, so that many starts leave few files', async () => {
    const dir = scratch.directory();
    for (let i = 0; i < 20; i++) {
      const kafka = await scratch.open(dir, small);
      await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
      await sendValues(kafka, { topic }, [String(i)]);
      await kafka.close();
    }
    expect(segmentFiles(dir).length).toBeLessThan(8);
    const again = await scratch.open(dir, small);
    expect(await readValues(again, topic, 0)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  });
});
