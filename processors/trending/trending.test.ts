import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trendingKey, type TrendingList } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf } from '../runtime/testing/task-driver.ts';
import { TRENDING_HALF_LIFE_MS } from '../items/items.ts';
import { mergeTrending, trendingJob } from './trending.ts';

const INPUT = INTERNAL_TOPICS.trendingCandidates.name;

test('merges the partitions as of the newest of them: the same as counting everything in one place', () => {
  const partitions = fc.array(
    fc.record({
      halfLives: fc.integer({ min: 0, max: 4 }),
      scores: fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 60 }),
    }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(partitions, (parts) => {
      const newest = Math.max(...parts.map(({ halfLives }) => halfLives));
      const merged = mergeTrending(
        parts.map(({ halfLives, scores }, p) => ({
          eventTime: T0 + halfLives * TRENDING_HALF_LIFE_MS,
          items: scores.map((score, n) => ({ itemId: `${p}-${n}`, score })),
        })),
      );
      const brute = parts
        .flatMap(({ halfLives, scores }) => scores.map((score) => score / 2 ** (newest - halfLives)))
        .sort((a, b) => b - a)
        .slice(0, 100);
      expect(merged.asOfMs).toBe(T0 + newest * TRENDING_HALF_LIFE_MS);
      expect(merged.items).toHaveLength(brute.length);
      merged.items.forEach(({ score }, n) => expect(score / (brute[n] ?? 0)).toBeCloseTo(1, 3));
      expect(new Set(merged.items.map(({ itemId }) => itemId)).size).toBe(brute.length);
    }),
  );
});

test('each list replaces the one that its partition sent before, also after a restart', async () => {
  const list = (partition: number, itemId: string, score: number, eventTime = T0) =>
    shopEvent('TrendingCandidates', { partition, eventTime, items: [{ itemId, score }] });
  const driver = await driveTask(subtopologyOf('trending', trendingJob), { nowMs: T0 });
  driver.feed(INPUT, [list(0, 'a', 5), list(1, 'b', 4), list(0, 'a', 2)]);
  const served = (value: string | null | undefined) => JSON.parse(value ?? '') as TrendingList;
  expect(served(driver.online().get(trendingKey())).items).toEqual([
    { itemId: 'b', score: 4 },
    { itemId: 'a', score: 2 },
  ]);
  await driver.commit();
  const again = await driver.restart();
  again.feed(INPUT, [list(2, 'c', 3)]);
  expect(served(again.online().get(trendingKey())).items.map(({ itemId }) => itemId)).toEqual([
    'b',
    'c',
    'a',
  ]);
});
