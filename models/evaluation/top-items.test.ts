import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topItems } from './top-items.ts';

const score = () => fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-Infinity, Number.NaN));

test('is what sorting all of them gives', () => {
  fc.assert(
    fc.property(fc.array(score(), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (given, count) => {
      const scores = Float32Array.from(given);
      const into = new Int32Array(count);
      const found = topItems(scores, into);
      const expected = given
        .map((value, item) => ({ value, item }))
        .filter(({ value }) => value > -Infinity)
        .sort((a, b) => b.value - a.value || a.item - b.item)
        .slice(0, count);
      expect([...into.subarray(0, found)]).toEqual(expected.map(({ item }) => item));
      const backwards = given.map((_, item) => item).reverse();
      const again = new Int32Array(count);
      expect(topItems(scores, again, backwards)).toBe(found);
      expect(again).toEqual(into);
    }),
  );
});
