import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csrOfRows } from '../sparse/csr-matrix.ts';
import { fitItemNeighbours } from './item-neighbours.ts';

const ITEMS = 8;
const rows = () =>
  fc.array(fc.uniqueArray(fc.nat(ITEMS - 1), { minLength: 1 }), { minLength: 1, maxLength: 12 });
const exponent = () => fc.constantFrom(0, 0.25, 0.5, 1);
const options = () =>
  fc.record({
    ...{ userExponent: exponent(), fromExponent: exponent(), toExponent: exponent() },
    ...{ shrink: fc.constantFrom(0, 2), neighbours: fc.constant(ITEMS) },
  });

test('with all neighbours kept, scores are those of the formula', () => {
  fc.assert(
    fc.property(rows(), options(), (given, { userExponent, fromExponent, toExponent, ...rest }) => {
      const model = fitItemNeighbours(csrOfRows(given, ITEMS), {
        ...{ userExponent, fromExponent, toExponent, ...rest },
      });
      const count = (item: number) => given.filter((row) => row.includes(item)).length;
      const similarity = (i: number, j: number) =>
        given
          .filter((row) => row.includes(i) && row.includes(j))
          .reduce((sum, row) => sum + row.length ** -userExponent, 0) /
        (count(i) ** fromExponent * count(j) ** toExponent + rest.shrink);
      const scores = new Float32Array(ITEMS);
      const history = Int32Array.of(1, 4);
      model.score(history, scores);
      for (let item = 0; item < ITEMS; item++) {
        const expected = [...history]
          .filter((known) => known !== item && count(known) > 0 && count(item) > 0)
          .reduce((sum, known) => sum + similarity(known, item), 0);
        expect(scores[item]).toBeCloseTo(expected, 4);
      }
    }),
  );
});

test('keeps the nearest of each item only', () => {
  const train = csrOfRows([[0, 1], [0, 1], [0, 2], [3]], 4);
  const model = fitItemNeighbours(train, {
    ...{ userExponent: 0, fromExponent: 0.5, toExponent: 0.5, shrink: 0, neighbours: 1 },
  });
  const scores = new Float32Array(4);
  model.score(Int32Array.of(0), scores);
  expect(scores[1]).toBeCloseTo(2 / Math.sqrt(3 * 2), 5);
  expect([scores[2], scores[3]]).toEqual([0, 0]);
});
