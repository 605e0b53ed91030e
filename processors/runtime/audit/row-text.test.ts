import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashText } from './hash-pair.ts';
import { cellText, COLUMN_END, hashRow } from './row-text.ts';

const integer = () => fc.maxSafeInteger();
const cell = () =>
  fc.oneof(
    ...[integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string({ unit: 'binary' })],
    ...[fc.array(integer()), fc.bigInt(), fc.constantFrom(0, -0, 9, 10, 2 ** 31 - 1, 2 ** 31, -(2 ** 31))],
  );

test('the hash of a row is that of the texts of its columns, one after the other', () => {
  fc.assert(
    fc.property(fc.array(cell(), { minLength: 1, maxLength: 12 }), (cells) => {
      const columns = cells.map((_, index) => `c${index}`);
      const row = Object.fromEntries(cells.map((value, index) => [`c${index}`, value]));
      const [hash, expected] = [
        { a: 0, b: 0 },
        { a: 0, b: 0 },
      ];
      hashRow(row, columns, hash);
      hashText(cells.map((value) => cellText(value) + COLUMN_END).join(''), expected);
      expect(hash).toEqual(expected);
    }),
  );
});

test('a row that is longer than what is at hand is hashed whole', () => {
  const [hash, expected] = [
    { a: 0, b: 0 },
    { a: 0, b: 0 },
  ];
  const long = 'x'.repeat(100_000);
  hashRow({ n: 12, long, last: 3 }, ['n', 'long', 'last'], hash);
  hashText(`12${COLUMN_END}${long}${COLUMN_END}3${COLUMN_END}`, expected);
  expect(hash).toEqual(expected);
});
