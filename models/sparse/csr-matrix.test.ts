import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csrOfRows, rowCounts, rowOf, transpose } from './csr-matrix.ts';

const COLUMNS = 7;
const rows = () => fc.array(fc.array(fc.nat(COLUMNS - 1), { maxLength: 12 }), { maxLength: 9 });
const dense = (matrix: ReturnType<typeof csrOfRows>) =>
  Array.from({ length: matrix.rows }, (_, row) =>
    Array.from({ length: matrix.columns }, (_, column) => (rowOf(matrix, row).includes(column) ? 1 : 0)),
  );

test('holds each pair once, in order, whatever came in', () => {
  fc.assert(
    fc.property(rows(), (given) => {
      const matrix = csrOfRows(given, COLUMNS);
      given.forEach((row, index) =>
        expect([...rowOf(matrix, index)]).toEqual([...new Set(row)].sort((a, b) => a - b)),
      );
      expect([...rowCounts(matrix)]).toEqual(given.map((row) => new Set(row).size));
    }),
  );
});

test('turned over, rows are columns, and turned over again it is the same', () => {
  fc.assert(
    fc.property(rows(), (given) => {
      const matrix = csrOfRows(given, COLUMNS);
      const turned = transpose(matrix);
      const cells = dense(matrix);
      expect(dense(turned)).toEqual(
        Array.from({ length: COLUMNS }, (_, column) => cells.map((row) => row[column])),
      );
      expect(transpose(turned)).toEqual(matrix);
    }),
  );
});
