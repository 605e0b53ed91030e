import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csrOfRows, rowOf } from '../sparse/csr-matrix.ts';
import { holdOut } from './hold-out.ts';

/** A linear congruential generator: enough to draw the same again. */
function draws(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

test('every pair is in one of the two parts, nobody loses all, and it is the same each time', () => {
  const rows = fc.array(fc.uniqueArray(fc.nat(20)), { maxLength: 10 });
  fc.assert(
    fc.property(rows, fc.nat(1000), (given, seed) => {
      const matrix = csrOfRows(given, 21);
      const { train, cases } = holdOut(matrix, 0.2, draws(seed));
      const taken = new Map(cases.map(({ user, relevant }) => [user, relevant]));
      given.forEach((row, user) => {
        const away = [...(taken.get(user) ?? [])];
        expect([...rowOf(train, user), ...away].sort((a, b) => a - b)).toEqual(
          [...row].sort((a, b) => a - b),
        );
        expect(away.length > 0).toBe(row.length > 1);
        expect(away.length).toBeLessThanOrEqual(Math.max(1, Math.round(row.length * 0.2)));
      });
      expect(holdOut(matrix, 0.2, draws(seed))).toEqual({ train, cases });
    }),
  );
});
