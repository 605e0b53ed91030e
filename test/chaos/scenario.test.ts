import { describe, expect, it } from 'vitest';
import { compareIds } from './scenario.ts';

describe('compareIds', () => {
  it('counts what is missing and what is there twice', () => {
    expect(compareIds(new Set(['a', 'b', 'c']), ['a', 'b', 'b', 'unknown'])).toEqual({
      acknowledged: 3,
      lost: 1,
      duplicated: 1,
    });
  });

  it('does not ask for what was never acknowledged', () => {
    expect(compareIds(new Set(), ['x'])).toEqual({ acknowledged: 0, lost: 0, duplicated: 0 });
  });
});
