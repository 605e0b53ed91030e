import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

describe('editDistance', () => {
  it.each([
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['stack', 'stack', 0],
  ])('%s to %s is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is a metric: symmetric, and never longer by a detour', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
  });
});

describe('nearest', () => {
  const known = ['stack', 'start', 'simulate', 'dashboards'];

  it.each([
    ['stak', 'stack'],
    ['sim', 'simulate'],
    ['dashbord', 'dashboards'],
    ['zzz', undefined],
    ['x', undefined],
  ])('%s suggests %s', (word, suggestion) => {
    expect(nearest(word, known)).toBe(suggestion);
  });
});
