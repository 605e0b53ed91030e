import fc from 'fast-check';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readValues } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { readPairs, Scratch, segmentFiles, sendValues } from './scratch-log.contract.ts';

const scratch = new Scratch();
const topic = 't';

/** A log with transactions over two partitions, and the size of its newest segment after each. */
async function logWithSizes(dir: string, transactions: number): Promise<number[]> {
  const kafka = await scratch.open(dir);
  await kafka.admin.ensureTopics([{ topic, partitions: 2 }]);
  const producer = kafka.transactionalProducer({ transactionalId: 'x', groupId: 'g' });
  await producer.init();
  const sizes = [newestSize(dir)];
  for (let i = 1; i <= transactions; i++) {
    const value = Buffer.from(`${i}`.padEnd(1 + ((i * 37) % 200), '.'));
    await producer.commit({
      records: [0, 1].map((partition) => ({ topic, partition, key: `k${i}`, value })),
      offsets: [{ topic, partition: 0, offset: i }],
    });
    sizes.push(newestSize(dir));
  }
  return sizes;
}

function newestFile(dir: string): string {
  return segmentFiles(dir).at(-1) ?? '';
}

function newestSize(dir: string): number {
  return statSync(newestFile(dir)).size;
}

/** Number of transactions in the log, after checking that each is whole. */
async function wholeTransactions(kafka: Kafka): Promise<number> {
  const left = await readPairs(kafka, topic, 0);
  expect(await readPairs(kafka, topic, 1)).toEqual(left);
  const committed = await kafka.admin.committed('g', topic);
  expect(committed.map((at) => at.offset)).toEqual(left.length === 0 ? [] : [left.length]);
  expect(left.map(([key]) => key)).toEqual(left.map((_, i) => `k${i + 1}`));
  return left.length;
}

function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

describe('recovery of the embedded log', () => {
  it('keeps everything over a clean close', async () => {
    const dir = scratch.directory();
    let kafka = await scratch.open(dir);
    await kafka.admin.ensureTopics([{ topic, partitions: 2 }]);
    for (let round = 0; round < 4; round++) {
      await sendValues(kafka, { topic, partition: 1 }, [`a${round}`, `b${round}`]);
      await kafka.close();
      kafka = await scratch.open(dir);
    }
    expect(await readValues(kafka, topic, 1)).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  });

  it('refuses a second opener until the first has closed', async () => {
    const dir = scratch.directory();
    const first = await scratch.open(dir);
    await expect(scratch.open(dir)).rejects.toMatchObject({ code: 'MR_EMBEDDED_IN_USE' });
    await first.close();
    const second = await scratch.open(dir);
    await expect(second.ping(1_000)).resolves.toBeUndefined();
  });

  it('keeps exactly the acknowledged transactions wherever the tail is torn off', async () => {
    const dir = scratch.directory();
    const sizes = await logWithSizes(dir, 12);
    const [empty = 0] = sizes;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: empty, max: sizes.at(-1) ?? 0 }), async (cut) => {
        const copy = scratch.copyOf(dir);
        truncateSync(newestFile(copy), cut);
        const kafka = await scratch.open(copy);
        expect(await wholeTransactions(kafka)).toBe(sizes.findLastIndex((size) => size <= cut));
        await sendValues(kafka, { topic }, ['goes on']);
        expect((await readValues(kafka, topic, 0)).at(-1)).toBe('goes on');
        await kafka.close();
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a log that is damaged before its end', async () => {
    const dir = scratch.directory();
    const sizes = await logWithSizes(dir, 8);
    const from = sizes[0] ?? 0;
    const lastFrame = sizes[7] ?? 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: from, max: lastFrame - 1 }), async (at) => {
        const copy = scratch.copyOf(dir);
        flipBit(newestFile(copy), at);
        await expect(scratch.open(copy)).rejects.toMatchObject({ code: 'MR_LOG_CORRUPT' });
      }),
      { numRuns: 60 },
    );
  });

  it('tells a last write that was damaged from one that was cut short', async () => {
    const dir = scratch.directory();
    const sizes = await logWithSizes(dir, 5);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: sizes[4] ?? 0, max: (sizes[5] ?? 0) - 1 }), async (at) => {
        const copy = scratch.copyOf(dir);
        flipBit(newestFile(copy), at);
        await expect(scratch.open(copy)).rejects.toMatchObject({ code: 'MR_LOG_CORRUPT' });
      }),
      { numRuns: 40 },
    );
  });

  it('cuts off a last write of which a power failure left sectors empty', async () => {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir);
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    await sendValues(kafka, { topic }, ['a']);
    const before = newestSize(dir);
    await sendValues(kafka, { topic }, ['b'.repeat(5_000)]);
    for (const sector of [0, 3, 8]) {
      const copy = scratch.copyOf(dir);
      const bytes = readFileSync(newestFile(copy));
      const from = (Math.ceil(before / 512) + sector) * 512;
      bytes.fill(0, from, from + 512);
      writeFileSync(newestFile(copy), bytes);
      const again = await scratch.open(copy);
      expect(await readValues(again, topic, 0)).toEqual(['a']);
      expect(newestSize(copy)).toBe(before);
      await again.close();
    }
  });

  it('does not take records that look like frames for frames', async () => {
    const dir = scratch.directory();
    const sizes = await logWithSizes(dir, 3);
    const inner = readFileSync(newestFile(dir)).subarray(sizes[0]);
    const other = scratch.directory();
    const kafka = await scratch.open(other);
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    const before = newestSize(other);
    await kafka.producer().send([{ topic, key: null, value: inner }]);
    const copy = scratch.copyOf(other);
    truncateSync(newestFile(copy), newestSize(other) - 1);
    const again = await scratch.open(copy);
    expect(await readValues(again, topic, 0)).toEqual([]);
    expect(newestSize(copy)).toBe(before);
  });
});

describe('closed segments', () => {
  async function closedLog(): Promise<string> {
    const dir = scratch.directory();
    const kafka = await scratch.open(dir, { segmentBytes: 4_096 });
    await kafka.admin.ensureTopics([{ topic, partitions: 1 }]);
    for (let i = 0; i < 60; i++) await sendValues(kafka, { topic }, [String(i).padStart(300, '0')]);
    await kafka.close();
    return dir;
  }
  const expected = Array.from({ length: 60 }, (_, i) => String(i).padStart(300, '0'));

  it('are read without their indexes, and get new ones', async () => {
    const dir = await closedLog();
    for (const path of segmentFiles(dir)) rmSync(path.replace('.log', '.idx'), { force: true });
    const kafka = await scratch.open(dir);
    expect(await readValues(kafka, topic, 0)).toEqual(expected);
    await kafka.close();
    expect(statSync(segmentFiles(dir)[0]?.replace('.log', '.idx') ?? '').size).toBeGreaterThan(0);
  });

  it('are read where an index is damaged', async () => {
    const dir = await closedLog();
    for (const path of segmentFiles(dir).slice(0, -1)) {
      const index = path.replace('.log', '.idx');
      flipBit(index, statSync(index).size - 3);
    }
    const first = segmentFiles(dir)[0]?.replace('.log', '.idx') ?? '';
    flipBit(first, 20);
    expect(await readValues(await scratch.open(dir), topic, 0)).toEqual(expected);
  });

  it('report damage when they are read', async () => {
    const dir = await closedLog();
    const path = segmentFiles(dir)[1] ?? '';
    flipBit(path, statSync(path).size - 10);
    const kafka = await scratch.open(dir);
    await expect(readValues(kafka, topic, 0)).rejects.toMatchObject({ code: 'MR_LOG_CORRUPT' });
  });

  it('report a file that is shorter than it was', async () => {
    const dir = await closedLog();
    const path = segmentFiles(dir)[1] ?? '';
    truncateSync(path, statSync(path).size - 10);
    await expect(scratch.open(dir)).rejects.toMatchObject({ code: 'MR_LOG_CORRUPT' });
  });
});

describe('start', () => {
  it('opens a log of a million records, after a clean close and after a kill', async () => {
    const dir = scratch.directory();
    let kafka = await scratch.open(dir, { fsync: false });
    await kafka.admin.ensureTopics([{ topic, partitions: 8 }]);
    const producer = kafka.producer();
    const value = Buffer.alloc(200, 'x');
    for (let batch = 0; batch < 100; batch++) {
      const keys = Array.from({ length: 10_000 }, (_, i) => `visitor-${batch * 10_000 + i}`);
      await producer.send(keys.map((key) => ({ topic, key, value })));
    }
    const killed = scratch.copyOf(dir);
    await kafka.close();
    for (const [how, from] of [
      ['a clean close', dir],
      ['a kill', killed],
    ] as const) {
      const startedMs = performance.now();
      kafka = await scratch.open(from);
      console.info(
        `start with a million records after ${how}: ${Math.round(performance.now() - startedMs)} ms`,
      );
      const ends = await kafka.admin.offsets(topic);
      expect(ends.reduce((sum, { end }) => sum + end, 0)).toBe(1_000_000);
    }
  });
});
