import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTemporaryDir, type TemporaryDir } from '../../test/harness/temporary-dir.ts';
import { openSpill, type Spill } from './index.ts';
import type { SpillMap } from './port.ts';

let folder: TemporaryDir;
let spill: Spill;
let number = 0;

beforeAll(async () => {
  folder = await makeTemporaryDir();
  spill = await openSpill({ path: folder.path });
});
afterAll(async () => {
  await spill.close();
  await folder.remove();
});

const bytes = (text: string) => Buffer.from(text);
const inOrder = (keys: Iterable<string>) => [...keys].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
const keysOf = (map: SpillMap, range?: { start?: string; end?: string }) =>
  Array.from(map.entries(range), ([key]) => key);

function mapOf(keys: Iterable<string>): SpillMap {
  const map = spill.map(`map-${number++}`);
  map.putMany(Array.from(keys, (key) => [key, bytes(key)] as const));
  return map;
}

/** Keys on both sides of the longest that is stored as it is, many of them with one beginning. */
const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc
    .tuple(
      fc.constantFrom('a'.repeat(1898), 'ü'.repeat(949), '\u{1f600}'.repeat(475), 'a'.repeat(1897)),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom('', 'z'.repeat(500)),
    )
    .map((parts) => parts.join('')),
);

describe('a walk over the entries', () => {
  it('goes in the order of UTF-8, by any range, for short and long keys', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 40 }),
        fc.option(key, { nil: undefined }),
        fc.option(key, { nil: undefined }),
        (keys, start, end) => {
          const map = mapOf(keys);
          const isInside = (each: string) =>
            (start === undefined || bytes(each).compare(bytes(start)) >= 0) &&
            (end === undefined || bytes(each).compare(bytes(end)) < 0);
          const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
          const entries = [...map.entries(range)];
          expect(entries.map(([each]) => each)).toEqual(inOrder(keys.filter(isInside)));
          for (const [each, value] of entries) expect(value.equals(bytes(each))).toBe(true);
          for (const each of keys) expect(map.get(each)?.equals(bytes(each))).toBe(true);
          map.clear();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('sees at each step what is there then', () => {
    const change = fc.record({
      put: fc.array(key, { maxLength: 3 }),
      remove: fc.array(key, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 20 }),
        fc.array(change, { maxLength: 10 }),
        (keys, changes) => {
          const map = mapOf(keys);
          const truth = new Set(keys);
          const isBehind = (each: string, last: string | undefined) =>
            last === undefined || bytes(each).compare(bytes(last)) > 0;
          const pending = [...changes];
          let last: string | undefined;
          for (const [each] of map.entries()) {
            expect(each).toBe(inOrder(truth).find((candidate) => isBehind(candidate, last)));
            last = each;
            const next = pending.shift();
            if (next === undefined) continue;
            map.putMany(next.put.map((added) => [added, bytes(added)] as const));
            for (const added of next.put) truth.add(added);
            map.deleteMany(next.remove);
            for (const removed of next.remove) truth.delete(removed);
          }
          expect([...truth].filter((each) => isBehind(each, last))).toEqual([]);
          map.clear();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('visits every entry though each one is deleted, or replaced, when it comes', () => {
    const keys = Array.from({ length: 3000 }, (_, i) => `key-${String(i).padStart(5, '0')}`);
    const map = mapOf(keys);
    const replaced: string[] = [];
    for (const [each] of map.entries()) {
      replaced.push(each);
      map.putMany([[each, bytes('new')]]);
    }
    expect(replaced).toEqual(keys);
    const deleted: string[] = [];
    for (const [each, value] of map.entries()) {
      deleted.push(`${each} ${value.toString()}`);
      map.deleteMany([each]);
    }
    expect(deleted).toEqual(keys.map((each) => `${each} new`));
    expect(map.size).toBe(0);
  });

  it('reads values of any size, the empty one too', () => {
    const map = spill.map('sizes');
    const sizes = [0, 1, 4095, 4096, 40_000, 300_000, 4_000_000];
    map.putMany(sizes.map((size) => [`${size}`.padStart(8, '0'), Buffer.alloc(size, 7)] as const));
    expect(Array.from(map.entries(), ([, value]) => value.length)).toEqual(sizes);
    for (const [each, value] of map.entries()) expect(value.equals(Buffer.alloc(Number(each), 7))).toBe(true);
  });

  it('may be left at any time, and costs nothing then', () => {
    const map = mapOf(Array.from({ length: 100 }, (_, i) => `${i}`));
    for (let i = 0; i < 2000; i++) {
      map.entries().next();
      for (const [each] of map.entries()) if (each === '1') break;
    }
    expect(keysOf(map, { start: '98' })).toEqual(['98', '99']);
  });

  it('takes half of a surrogate pair as U+FFFD', () => {
    const map = mapOf(['a\ud800', 'b']);
    expect(keysOf(map)).toEqual(['a\ufffd', 'b']);
    expect([map.has('a\ufffd'), map.has('a\udc00')]).toEqual([true, true]);
    const long = 'x'.repeat(1900);
    map.putMany([[`${long}\ud800`, bytes('long')]]);
    expect(map.get(`${long}\ufffd`)?.toString()).toBe('long');
    expect(keysOf(map, { start: `${long}\udfff` })).toEqual([`${long}\ufffd`]);
  });
});
