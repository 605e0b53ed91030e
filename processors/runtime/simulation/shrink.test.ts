import { describe, expect, it } from 'vitest';
import { shrink } from './shrink.ts';

const numbers = Array.from({ length: 40 }, (_, n) => n);

describe('shrinking', () => {
  it('finds the elements that a failure needs together', async () => {
    const needed = [3, 17, 31];
    const left = await shrink(numbers, async (part) => needed.every((n) => part.includes(n)));
    expect(left).toEqual(needed);
  });

  it('finds that nothing of it is needed', async () => {
    expect(await shrink(numbers, async () => true)).toEqual([]);
  });

  it('leaves what cannot be made smaller, and asks no more than it may', async () => {
    let asked = 0;
    const left = await shrink(
      numbers,
      async (part) => {
        asked += 1;
        return part.length === numbers.length;
      },
      25,
    );
    expect(left).toEqual(numbers);
    expect(asked).toBeLessThanOrEqual(25);
  });
});
