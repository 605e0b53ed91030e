import { expect, test } from 'vitest';
import { EntrySize, heapBytes } from './entry-size.ts';

test.each([
  ['a small integer', 7, 0],
  ['another number', 1_700_000_000_000, 16],
  ['a text', 'item-0001', 32],
  ['nothing', null, 0],
  ['an object', { count: 1, lastMs: 1_700_000_000_000 }, 24 + 8 + 8 + 16],
  ['a list', [1, 2, 3], 32 + 24],
  ['a list in an object', { ids: ['a', 'b'] }, 24 + 8 + 32 + 2 * (8 + 24)],
  ['a set', new Set([1, 2]), 64 + 16],
  ['bytes', Buffer.alloc(100), 300],
  ['a long list, by its beginning', Array.from({ length: 1_000 }, () => 1.5), 32 + 1_000 * 24],
])('estimates %s', (_what, value, bytes) => {
  expect(heapBytes(value)).toBe(bytes);
});

test('the mean of an entry follows what the entries have become', () => {
  const size = new EntrySize();
  for (let index = 0; index < 1_000; index++) size.sample('key-0001', 'x'.repeat(8));
  expect(size.meanBytes).toBe(64 + 24 + 24);
  for (let index = 0; index < 30_000; index++) size.sample('key-0001', 'x'.repeat(800));
  expect(size.meanBytes).toBeGreaterThan(64 + 24 + 816 - 10);
});
