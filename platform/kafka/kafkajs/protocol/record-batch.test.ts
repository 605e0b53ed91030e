import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../port.ts';
import { crc32c } from './crc32c.ts';
import { offsetAfter, RecordBatchReader, type AbortedTransaction } from './record-batch-reader.ts';
import { encodeRecordBatch, sizeHint, type BatchRecord } from './record-batch-writer.ts';

/**
 * A batch put together byte by byte, apart from the writer: two records at offsets 7 and 9, timestamps 1000 and 1003;
 * the first with key "k", value "v1" and header h=x, the second with a null key and a null value.
 */
const RECORDS = Buffer.from([
  ...[26, 0, 0, 0, 2, 0x6b, 4, 0x76, 0x31, 2, 2, 0x68, 2, 0x78],
  ...[12, 0, 6, 4, 1, 1, 0],
]);

interface Head {
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  readonly attributes: number;
  readonly producerId: number;
  readonly count: number;
}

function batch(head: Partial<Head>, records: Buffer): Buffer {
  const { baseOffset = 7, lastOffsetDelta = 2, attributes = 0, producerId = -1, count = 2 } = head;
  const bytes = Buffer.alloc(61 + records.length);
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(attributes, 21);
  bytes.writeInt32BE(lastOffsetDelta, 23);
  bytes.writeBigInt64BE(1000n, 27);
  bytes.writeBigInt64BE(1003n, 35);
  bytes.writeBigInt64BE(BigInt(producerId), 43);
  bytes.writeInt32BE(count, 57);
  records.copy(bytes, 61);
  bytes.writeUInt32BE(crc32c(bytes, 21), 17);
  return bytes;
}

/** A marker that ends a transaction: key = version 0, type 0 (abort) or 1 (commit). */
function marker(producerId: number, baseOffset: number, type: 0 | 1): Buffer {
  const record = Buffer.from([24, 0, 0, 0, 8, 0, 0, 0, type, 4, 0, 0, 0]);
  return batch({ producerId, baseOffset, lastOffsetDelta: 0, attributes: 0x30, count: 1 }, record);
}

/** One record of a transaction, with value "d". */
function data(producerId: number, baseOffset: number): Buffer {
  const record = Buffer.from([14, 0, 0, 0, 1, 2, 0x64, 0]);
  return batch({ producerId, baseOffset, lastOffsetDelta: 0, attributes: 0x10, count: 1 }, record);
}

function readAll(bytes: Buffer, fromOffset = 0, aborted: readonly AbortedTransaction[] = []) {
  const reader = new RecordBatchReader({ bytes, fromOffset, aborted });
  const records = reader.read(1_000_000);
  return { records, nextOffset: reader.nextOffset, done: reader.done };
}

const offsets = (records: readonly LogRecord[]) => records.map((record) => record.offset);

describe('reading record batches', () => {
  it('reads keys, values, headers, offsets and timestamps', () => {
    const { records, nextOffset, done } = readAll(batch({}, RECORDS));
    expect(records).toEqual([
      { offset: 7, timestampMs: 1000, key: Buffer.from('k'), value: Buffer.from('v1'), headers: { h: 'x' } },
      { offset: 9, timestampMs: 1003, key: null, value: null, headers: {} },
    ]);
    expect({ nextOffset, done }).toEqual({ nextOffset: 10, done: true });
  });

  it('takes the broker’s time where the topic stamps records itself', () => {
    const { records } = readAll(batch({ attributes: 0x08 }, RECORDS));
    expect(records.map((record) => record.timestampMs)).toEqual([1003, 1003]);
  });

  it('passes over the records before the offset that was asked for', () => {
    expect(offsets(readAll(batch({}, RECORDS), 8).records)).toEqual([9]);
  });

  it('goes past a batch whose end compaction has emptied', () => {
    const { records, nextOffset } = readAll(batch({ lastOffsetDelta: 40 }, RECORDS), 10);
    expect({ records, nextOffset }).toEqual({ records: [], nextOffset: 48 });
  });

  it('reads gzip and names a codec that it cannot read', () => {
    expect(offsets(readAll(batch({ attributes: 1 }, gzipSync(RECORDS))).records)).toEqual([7, 9]);
    expect(() => readAll(batch({ attributes: 4 }, RECORDS))).toThrow(/zstd/);
  });

  it('leaves a batch that the broker cut off for the next fetch', () => {
    const whole = batch({}, RECORDS);
    const cut = Buffer.concat([whole, batch({ baseOffset: 10 }, RECORDS).subarray(0, -1)]);
    expect(readAll(cut).nextOffset).toBe(10);
    expect(offsetAfter(cut, 7)).toBe(10);
    expect(offsetAfter(Buffer.alloc(0), 7)).toBe(7);
  });

  it('refuses a batch with a wrong checksum, an old format or a record that overruns', () => {
    const flipped = batch({}, RECORDS);
    flipped[70] = (flipped[70] ?? 0) ^ 1;
    expect(() => readAll(flipped)).toThrow(/checksum/);
    const old = batch({}, RECORDS);
    old.writeInt8(1, 16);
    expect(() => readAll(old)).toThrow(/format 1/);
    expect(() => readAll(batch({ count: 3 }, RECORDS))).toThrow(/malformed/);
    const long = Buffer.from(RECORDS);
    long[0] = 60;
    expect(() => readAll(batch({}, long))).toThrow(/malformed/);
  });
});

describe('reading committed records only', () => {
  it('leaves out markers and the records of aborted transactions, and goes past both', () => {
    const log = Buffer.concat([
      data(1, 0), // aborted at 3
      data(2, 1), // committed at 4
      data(1, 2),
      marker(1, 3, 0),
      marker(2, 4, 1),
      data(1, 5), // a later transaction of the same producer, committed
      marker(1, 6, 1),
    ]);
    const { records, nextOffset } = readAll(log, 0, [{ producerId: 1, firstOffset: 0 }]);
    expect(offsets(records)).toEqual([1, 5]);
    expect(nextOffset).toBe(7);
  });

  it('goes past what it does not show when the last record of a chunk is given', () => {
    const log = Buffer.concat([data(1, 0), marker(1, 1, 1), data(2, 2), marker(2, 3, 0)]);
    const reader = new RecordBatchReader({
      bytes: log,
      fromOffset: 0,
      aborted: [{ producerId: 2, firstOffset: 2 }],
    });
    expect(offsets(reader.read(1))).toEqual([0]);
    expect({ nextOffset: reader.nextOffset, done: reader.done }).toEqual({ nextOffset: 4, done: true });
  });

  it('shows exactly the committed records of any interleaving', () => {
    const step = fc.record({ producer: fc.nat(2), end: fc.option(fc.boolean(), { freq: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { log, aborted, committed, end } = interleave(steps);
        const { records, nextOffset } = readAll(log, 0, aborted);
        expect(offsets(records)).toEqual(committed);
        expect(nextOffset).toBe(end);
      }),
    );
  });
});

/** A log of three producers, up to its last stable offset, with what a broker would say about it. */
function interleave(steps: readonly { producer: number; end: boolean | null }[]) {
  const all = [...steps, ...[0, 1, 2].map((producer) => ({ producer, end: true }))];
  const open = new Map<number, number[]>();
  const parts: Buffer[] = [];
  const aborted: AbortedTransaction[] = [];
  const committed: number[] = [];
  all.forEach(({ producer, end }, offset) => {
    const mine = open.get(producer) ?? [];
    if (end === null) {
      parts.push(data(producer, offset));
      open.set(producer, [...mine, offset]);
      return;
    }
    parts.push(marker(producer, offset, end ? 1 : 0));
    if (end) committed.push(...mine);
    else if (mine[0] !== undefined) aborted.push({ producerId: producer, firstOffset: mine[0] });
    open.delete(producer);
  });
  return { log: Buffer.concat(parts), aborted, committed: committed.sort((a, b) => a - b), end: all.length };
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: fc.option(fc.string({ unit: 'grapheme', maxLength: 100 })),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 40 })),
  timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});

describe('writing record batches', () => {
  it('writes what the reader reads, whatever the size of the steps', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        (records, step) => {
          const written = encodeRecordBatch({
            records,
            producerId: 12,
            producerEpoch: 3,
            baseSequence: 5,
            transactional: true,
          });
          expect(written.length).toBeLessThanOrEqual(
            61 + records.reduce((sum, one) => sum + sizeHint(one), 0),
          );
          const reader = new RecordBatchReader({ bytes: written, fromOffset: 0, aborted: [] });
          const read: LogRecord[] = [];
          while (!reader.done) {
            const some = reader.read(step);
            expect(some.length).toBeLessThanOrEqual(step);
            read.push(...some);
          }
          expect(read.map(({ offset, ...rest }) => [offset, rest])).toEqual(
            records.map((one, offset) => [
              offset,
              { ...one, key: one.key === null ? null : Buffer.from(one.key as string) },
            ]),
          );
          expect(reader.nextOffset).toBe(records.length);
        },
      ),
    );
  });
});
