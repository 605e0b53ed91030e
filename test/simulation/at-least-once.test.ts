import { expect, it } from 'vitest';
import { runProof } from './proof-run.ts';

/** Some of them end a process between what it has said and its state. */
const SEEDS = { from: 50, to: 69 };

it('at least once: nothing is lost, and some things are counted again', { timeout: 240_000 }, async () => {
  let doubled = 0;
  for (let seed = SEEDS.from; seed <= SEEDS.to; seed++) {
    const { problems } = await runProof(seed, { guarantee: 'at-least-once', isAtLeastOnce: true });
    expect(problems, `seed ${seed}`).toEqual([]);
    doubled += (await runProof(seed, { guarantee: 'at-least-once' })).problems.length;
  }
  // Exactly once would pass for it otherwise.
  expect(doubled).toBeGreaterThan(0);
});
