import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchTable, type BatchEntry } from './batch-table.ts';

/** Entries in offset order with holes between them. */
const anyEntries = fc
  .array(fc.record({ hole: fc.nat(3), records: fc.integer({ min: 1, max: 9 }), length: fc.nat(1_000) }))
  .map((blocks) => {
    let next = 0;
    return blocks.map(({ hole, records, length }, i): BatchEntry => {
      const base = next + hole;
      next = base + records;
      return {
        base,
        last: next - 1,
        maxTimestampMs: i,
        records,
        position: i * 1_000,
        length,
        crc: 0xffff_ffff - i,
      };
    });
  });

function tableOf(entries: readonly BatchEntry[]): BatchTable {
  const table = new BatchTable();
  for (const entry of entries) table.add(entry);
  return table;
}

describe('BatchTable', () => {
  it('finds the block of an offset, as a linear search does', () => {
    fc.assert(
      fc.property(anyEntries, fc.nat(100), (entries, offset) => {
        const linear = entries.findIndex((entry) => entry.last >= offset);
        expect(tableOf(entries).find(offset)).toBe(linear < 0 ? entries.length : linear);
      }),
    );
  });

  it('comes back from its bytes', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const table = BatchTable.from(tableOf(entries).bytes());
        expect(Array.from({ length: table.count }, (_, i) => table.at(i))).toEqual(entries);
      }),
    );
  });
});
