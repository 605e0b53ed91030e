import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BucketCounts } from './bucket-counts.ts';
import { PackedReader, PackedWriter } from './packed-bytes.ts';

const MAX_BUCKETS = 16;
const indices = fc.array(
  fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -1_000_000, max: 1_000_000 })),
);

function countsOf(list: readonly number[]): BucketCounts {
  const counts = new BucketCounts(MAX_BUCKETS);
  for (const index of list) counts.add(index, 1);
  return counts;
}

function entriesOf(counts: BucketCounts): [number, number][] {
  const entries: [number, number][] = [];
  counts.forEach((index, count) => entries.push([index, count]));
  return entries;
}

/** All indices at once, the ones that are too low raised to the lowest that is told apart. */
function collapsed(list: readonly number[]): number[] {
  const lowest = Math.max(...list) - MAX_BUCKETS + 1;
  return list.map((index) => Math.max(index, lowest)).sort((a, b) => a - b);
}

test('collapses what is below the bound, in whatever order it comes', () => {
  fc.assert(
    fc.property(indices, (list) => {
      const expected = new Map<number, number>();
      for (const index of collapsed(list)) expected.set(index, (expected.get(index) ?? 0) + 1);
      const counts = countsOf(list);
      expect(entriesOf(counts)).toEqual([...expected]);
      expect(counts.total).toBe(list.length);
    }),
  );
});

test('finds the bucket of each rank', () => {
  fc.assert(
    fc.property(indices, (list) => {
      const counts = countsOf(list);
      const found = list.map((_, rank) => counts.bucketOfRank(rank));
      expect(found).toEqual(collapsed(list));
    }),
  );
});

test('merges and comes back from bytes as if all had been added to one', () => {
  fc.assert(
    fc.property(indices, indices, (a, b) => {
      const merged = countsOf(a);
      merged.merge(countsOf(b));
      expect(entriesOf(merged)).toEqual(entriesOf(countsOf([...a, ...b])));
      const writer = new PackedWriter();
      merged.pack(writer);
      const back = BucketCounts.unpack(MAX_BUCKETS, new PackedReader(writer.base64()));
      expect(entriesOf(back)).toEqual(entriesOf(merged));
    }),
  );
});
