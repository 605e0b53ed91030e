import { expect, test } from 'vitest';
import { percentile, recoveryTable, summaryOf } from './summary.ts';

test('percentiles are measured values', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([7], 0.99)]).toEqual([100, 198, 7]);
});

test('the table has a row for each way to run', () => {
  const recovery = {
    ...{
      processingMs: 7000,
      caughtUpMs: 7200,
      detectMs: 6500,
      rebalanceMs: 20,
      takeOverMs: 80,
      firstCommitMs: 300,
    },
    steps: { fence: 30, restore: 20, offsets: 10, epoch: 20 },
  };
  const text = recoveryTable({
    kills: 1,
    recovery: { 'exactly-once': summaryOf([recovery]) },
    eventsPerSecond: { 'exactly-once': 50_000, 'at-least-once': 60_000 },
    exactlyOnceRatio: 0.833,
  });
  expect(text).toContain('| exactly-once | 7000 / 7000 | 7200 / 7200 | 6500 / 6500 |');
  expect(text).toContain('exactly once keeps 0.833 of at least once');
});
