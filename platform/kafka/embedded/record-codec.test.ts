import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord, ProduceRecord } from '../port.ts';
import { BlockBuilder } from './block-builder.ts';
import { decodeRecords, rawRecords } from './record-codec.ts';

const anyText = fc.string({ unit: 'binary' });
const anyBytes = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));

const anyRecord: fc.Arbitrary<ProduceRecord> = fc.record(
  {
    topic: fc.constant('t'),
    key: fc.option(fc.oneof(anyText, anyBytes)),
    value: fc.option(anyBytes),
    headers: fc.dictionary(anyText, anyText, { maxKeys: 4 }),
  },
  { requiredKeys: ['topic', 'key', 'value'] },
);

function build(records: readonly ProduceRecord[], base: number) {
  const builder = new BlockBuilder(base, 0);
  for (const [i, record] of records.entries()) builder.add(record, 1_000 + i);
  return builder.build(1, 0);
}

function decode(payload: Buffer, base: number, limits: Partial<Parameters<typeof decodeRecords>[1]> = {}) {
  const into: LogRecord[] = [];
  const window = { base, fromOffset: 0, endOffset: Infinity, maxRecords: Infinity, ...limits };
  const isWhole = decodeRecords(payload, window, into);
  return { into, isWhole };
}

describe('the record format', () => {
  it('brings back any records', () => {
    fc.assert(
      fc.property(fc.array(anyRecord), fc.nat(), (records, base) => {
        const { into } = decode(build(records, base).payload, base);
        expect(into).toEqual(
          records.map((record, i) => ({
            offset: base + i,
            timestampMs: 1_000 + i,
            key: typeof record.key === 'string' ? Buffer.from(record.key, 'utf8') : record.key,
            value: record.value,
            headers: wellFormed(record.headers ?? {}),
          })),
        );
      }),
    );
  });

  it('keeps a header that is named like the prototype', () => {
    const headers = Object.fromEntries([['__proto__', 'x']]);
    const { payload } = build([{ topic: 't', key: null, value: null, headers }], 0);
    expect(Object.entries(decode(payload, 0).into[0]?.headers ?? {})).toEqual([['__proto__', 'x']]);
  });

  it('decodes a window and says whether its limit of records ended it', () => {
    const records = Array.from({ length: 10 }, (_, i) => ({ topic: 't', key: `${i}`, value: null }));
    const { payload } = build(records, 100);
    const window = decode(payload, 100, { fromOffset: 103, endOffset: 107 });
    expect([window.isWhole, window.into.map((record) => record.offset)]).toEqual([
      true,
      [103, 104, 105, 106],
    ]);
    const limited = decode(payload, 100, { fromOffset: 103, maxRecords: 2 });
    expect([limited.isWhole, limited.into.map((record) => record.offset)]).toEqual([false, [103, 104]]);
  });

  it('copies records into another block without changing them', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1 }), fc.infiniteStream(fc.boolean()), (records, keep) => {
        const source = build(records, 50);
        const kept = [...rawRecords(source.payload, 50)].filter(() => keep.next().value === true);
        const copy = new BlockBuilder(10, 0);
        for (const record of kept) copy.copy(source.payload, record);
        const offsets = new Set(kept.map((record) => record.offset));
        expect(decode(copy.build(1, 0).payload, 10).into).toEqual(
          decode(source.payload, 50).into.filter((record) => offsets.has(record.offset)),
        );
      }),
    );
  });
});

/** UTF-8 has no lone surrogates; they become replacement characters, as in any other client. */
function wellFormed(headers: Readonly<Record<string, string>>): Record<string, string> {
  const utf8 = (input: string) => Buffer.from(input, 'utf8').toString('utf8');
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [utf8(name), utf8(value)]));
}
