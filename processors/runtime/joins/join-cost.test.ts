import { expect, test } from 'vitest';
import { joinAsOf, joinStreams, type AsOfJoin, type StreamJoin } from './index.ts';
import { JoinHarness } from './join-harness.contract.ts';

const BUFFERED = 10_000;

function streamJoin(type: 'inner' | 'outer'): JoinHarness<StreamJoin<number, number>, unknown> {
  return new JoinHarness((context, onResult) =>
    joinStreams<number, number>(context, {
      name: 'j',
      type,
      beforeMs: 2,
      afterMs: 2,
      graceMs: 100_000,
      onResult,
    }),
  );
}

/** Calls of stores that an act takes. */
function costOf(task: { readonly operations: number }, act: () => void): number {
  const before = task.operations;
  act();
  return task.operations - before;
}

test.each(['inner', 'outer'] as const)(
  'an add to a hot key costs its partners, not what is buffered: %s',
  (type) => {
    const task = streamJoin(type);
    for (let index = 0; index < BUFFERED; index++) {
      // One write, and one more where it may be told alone.
      const cost = costOf(task, () => task.join.right('hot', index, index * 10));
      expect(cost).toBe(type === 'outer' ? 2 : 1);
    }
    for (const index of [0, 5_000, 9_999]) {
      const alone = costOf(task, () => task.join.left('hot', index, index * 10 + 5));
      expect(alone).toBe(type === 'outer' ? 2 : 1);
      const met = costOf(task, () => task.join.left('hot', index, index * 10 + 1));
      expect(met).toBe(type === 'outer' ? 3 : 2);
    }
  },
);

test('adds in reverse order cost as much', () => {
  const task = streamJoin('inner');
  const cost = costOf(task, () => {
    for (let index = BUFFERED; index > 0; index--) task.join.left('hot', index, index * 10);
  });
  expect(cost).toBe(BUFFERED);
});

test('expiry costs each event once, and nothing where nothing expires', () => {
  const task = streamJoin('outer');
  for (let index = 0; index < BUFFERED; index++) task.join.left('hot', index, index * 10);
  const idle = costOf(task, () => {
    for (let watermarkMs = 0; watermarkMs <= 100_002; watermarkMs++) task.advance(watermarkMs);
  });
  expect(idle).toBe(0);
  const all = costOf(task, () => {
    for (let watermarkMs = 100_003; watermarkMs < 250_000; watermarkMs += 7) task.advance(watermarkMs);
  });
  expect(task.results).toHaveLength(BUFFERED);
  expect(task.entries).toBe(0);
  // Told: looked up, unmarked, read and deleted; expired: deleted.
  expect(all).toBe(5 * BUFFERED);
});

test('an as-of join looks one row up, however many versions there are', () => {
  const task = new JoinHarness<AsOfJoin<number, number>, unknown>((context, onResult) =>
    joinAsOf<number, number>(context, { name: 'j', type: 'inner', historyMs: 1_000_000, onResult }),
  );
  for (let index = 0; index < BUFFERED; index++) {
    expect(costOf(task, () => task.join.table('hot', index, index * 10))).toBe(1);
    expect(costOf(task, () => task.join.stream('hot', index, index * 5))).toBe(1);
  }
  const expiry = costOf(task, () => {
    for (let watermarkMs = 0; watermarkMs < 1_200_000; watermarkMs += 100) task.advance(watermarkMs);
  });
  expect(task.entries).toBe(1);
  expect(expiry).toBeLessThanOrEqual(2 * BUFFERED);
});
