import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Item } from '../item.ts';
import { emptyHash, hashItem } from './hash64.ts';

function hashOf(item: Item): string {
  const hash = emptyHash();
  hashItem(item, hash);
  return [...hash].map((word) => word.toString(16).padStart(8, '0')).join(' ');
}

// From another implementation of MurmurHash3_x86_128, over the UTF-8 bytes with our seed.
test.each([
  ['', 'a00aab70 6c7ec813'],
  ['a', '5db99102 9440df08'],
  ['abc', '946171c2 466ae60f'],
  ['abcd', '36d6d366 7d9ca3e4'],
  ['0123456789abcde', 'bcb8ad48 c294c284'],
  ['0123456789abcdef', '54094137 fbaa9f0e'],
  ['0123456789abcdefg', '755b43cd f64c1422'],
  ['Grüße 🚚', '1c9256de f945de82'],
  ['x'.repeat(1000), '882d3bec 71338ca1'],
])('hashes %j', (text, expected) => {
  expect(hashOf(text)).toBe(expected);
});

test('does not depend on what was hashed before, of any length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 400 }), (text, times) => {
      const item = text.repeat(times);
      const expected = hashOf(item);
      hashOf('y'.repeat(1100));
      hashOf(-1);
      expect(hashOf(item)).toBe(expected);
    }),
  );
});

test('spreads over all bits, and tells numbers from texts', () => {
  const seen = new Set<string>();
  const ones = new Array<number>(64).fill(0);
  for (let n = 0; n < 10_000; n++) {
    for (const item of [n, String(n)]) {
      const hex = hashOf(item).replace(' ', '');
      seen.add(hex);
      const bits = BigInt(`0x${hex}`);
      ones.forEach((count, bit) => (ones[bit] = count + Number((bits >> BigInt(bit)) & 1n)));
    }
  }
  expect(seen.size).toBe(20_000);
  // Each bit is a fair coin: five standard deviations of 20,000 throws.
  for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(5000));
});
