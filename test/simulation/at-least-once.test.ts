import { expect, it } from 'vitest';
import { runProof } from './proof-run.ts';

const SEEDS = 25;

it('at least once: nothing is lost, and some things are counted again', { timeout: 240_000 }, async () => {
  let doubled = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { problems } = await runProof(seed, { guarantee: 'at-least-once', isAtLeastOnce: true });
    expect(problems, `seed ${seed}`).toEqual([]);
    doubled += (await runProof(seed, { guarantee: 'at-least-once' })).problems.length;
  }
  // Exactly once would pass for it otherwise.
  expect(doubled).toBeGreaterThan(0);
});
