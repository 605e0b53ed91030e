import { join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { growthOfDelete, growthOfPut, largerOf, overheadPages, sizesOfPut } from './page-growth.ts';
import { isLong, keyEncoder, packLong } from './stored-key.ts';

const entry = fc.tuple(
  fc
    .tuple(fc.nat(3000), fc.constantFrom(0, 0, 0, 300, 1800, 2500))
    .map(([n, length]) => `${n}`.padEnd(length)),
  fc.constantFrom(0, 40, 500, 1000, 2000, 2100, 5000, 50_000).map((length) => Buffer.alloc(length, 1)),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: fc.array(entry, { minLength: 1, maxLength: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.array(entry, { minLength: 1, maxLength: 300 }) }) },
  { weight: 1, arbitrary: fc.constant({ clear: true as const }) },
);

type Entries = readonly (readonly [string, Buffer])[];
type Step = { readonly put: Entries } | { readonly remove: Entries } | { readonly clear: true };

/** An empty file, and what each step adds to it against what was foreseen. */
async function openFile(): Promise<(step: Step) => { grown: number; foreseen: number }> {
  const path = join(await temporaryDir(), 'file.mdb');
  const root = open({ path, noSubdir: true, maxDbs: 1, noSync: true });
  onTestFinished(() => root.close());
  const database = root.openDB({ name: 'm', encoding: 'binary', keyEncoder });
  let largest = { key: 0, node: 0 };
  return (each) => {
    const before = database.getStats();
    let pages = 0;
    root.transactionSync(() => {
      if ('put' in each) {
        const sizes = sizesOfPut(each.put, before.pageSize);
        largest = largerOf(largest, sizes.largest);
        pages = growthOfPut(before, sizes, largest);
        for (const [key, value] of each.put)
          database.putSync(key, isLong(key) ? packLong(key, value) : value);
      } else if ('remove' in each) {
        pages = growthOfDelete(before, each.remove.length);
        for (const [key] of each.remove) database.removeSync(key);
      } else database.clearSync();
    });
    const grown = database.getStats().lastPageNumber - before.lastPageNumber;
    return { grown, foreseen: pages + overheadPages(before.lastPageNumber + pages) };
  };
}

const name = (i: number) => `key-${String(i).padStart(9, '0')}`;

describe('the growth of a file', () => {
  it('is never more than was foreseen', { timeout: 120_000 }, async () => {
    const apply = await openFile();
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 20 }), (steps) => {
        for (const each of steps) {
          const { grown, foreseen } = apply(each);
          expect(grown).toBeLessThanOrEqual(foreseen);
        }
      }),
      { numRuns: 40 },
    );
  });

  it.each([40, 100, 400, 900, 1300, 1900, 3000, 9000])(
    'is foreseen for full pages of %i bytes that all split at once, and not many times too large',
    { timeout: 120_000 },
    async (bytes) => {
      const apply = await openFile();
      const count = Math.min(40_000, Math.floor(8_000_000 / bytes));
      const entry = (i: number) => [name(i), Buffer.alloc(bytes, 1)] as const;
      const fill = apply({ put: Array.from({ length: count }, (_, i) => entry(2 * i)) });
      // The pages freed by the first of them are of no use to the second yet: both grow.
      const split = apply({ put: Array.from({ length: count / 2 }, (_, i) => entry(4 * i + 1)) });
      const again = apply({ put: Array.from({ length: count }, (_, i) => entry(2 * i)) });
      for (const { grown, foreseen } of [fill, split, again]) expect(grown).toBeLessThanOrEqual(foreseen);
      expect(fill.foreseen).toBeLessThan(4 * fill.grown + 200);
      expect(split.foreseen).toBeLessThan(3 * split.grown + 200);
    },
  );

  it('is foreseen where every page loses most of its entries', async () => {
    const apply = await openFile();
    const keys = Array.from({ length: 40_000 }, (_, i) => i);
    apply({ put: keys.map((i) => [name(i), Buffer.alloc(100)] as const) });
    const remove = keys.filter((i) => i % 30 > 2).map((i) => [name(i), Buffer.alloc(0)] as const);
    const { grown, foreseen } = apply({ remove });
    expect(grown).toBeLessThanOrEqual(foreseen);
  });
});
