import { expect, test } from 'vitest';
import { neighboursKey, type NeighbourList } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS } from '../../schemas/topics.ts';
import { shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf, type TaskDriver } from '../runtime/testing/task-driver.ts';
import { itemsJob, TRENDING_HALF_LIFE_MS } from './items.ts';

const INPUT = INTERNAL_TOPICS.itemActivity.name;
const OUTPUT = INTERNAL_TOPICS.trendingCandidates.name;

const drive = () => driveTask(subtopologyOf('items', itemsJob), { nowMs: T0 + 7_200_000 });
const views = (itemId: string, count: number, eventTime = T0) =>
  shopEvent('ItemActivity', { itemId, views: count, eventTime });

async function candidates(driver: TaskDriver) {
  await driver.commit();
  const last = driver.events(OUTPUT).at(-1);
  if (last?.type !== 'TrendingCandidates') throw new Error('no candidates');
  return last;
}

test('each commit names the most wanted items, decayed to the newest event', async () => {
  const driver = await drive();
  driver.feed(INPUT, [views('old', 8), views('new', 3, T0 + 2 * TRENDING_HALF_LIFE_MS)]);
  const { items, eventTime, partition } = await candidates(driver);
  expect([eventTime, partition]).toEqual([T0 + 2 * TRENDING_HALF_LIFE_MS, 0]);
  expect(items.map(({ itemId, score }) => [itemId, Number(score.toFixed(3))])).toEqual([
    ['new', 3],
    ['old', 2],
  ]);
});

test('a commit without anything new names no items again, also the first after a restart', async () => {
  const driver = await drive();
  driver.feed(INPUT, [views('a', 1)]);
  await driver.commit();
  await driver.commit();
  expect(driver.events(OUTPUT)).toHaveLength(1);
  const again = await driver.restart();
  await again.commit();
  expect(again.events(OUTPUT)).toHaveLength(1);
});

test('a purchase says more than a cart, a cart more than a view', async () => {
  const driver = await drive();
  driver.feed(INPUT, [
    shopEvent('ItemActivity', { itemId: 'viewed', views: 2 }),
    shopEvent('ItemActivity', { itemId: 'carted', views: 0, carts: 1 }),
    shopEvent('ItemActivity', { itemId: 'bought', views: 0, purchases: 1 }),
    shopEvent('ItemActivity', { itemId: 'paired only', views: 0, neighbours: [{ itemId: 'x', weight: 1 }] }),
  ]);
  const { items } = await candidates(driver);
  expect(items.map(({ itemId }) => itemId)).toEqual(['bought', 'carted', 'viewed']);
});

test('the candidates are the best of all items, commit after commit and after a restart', async () => {
  let driver = await drive();
  const totals = new Map<string, number>();
  let seed = 1;
  for (let round = 0; round < 12; round++) {
    const events = Array.from({ length: 60 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return views(`i${seed % 400}`, 1 + (seed % 7));
    });
    for (const { itemId, views: count } of events) totals.set(itemId, (totals.get(itemId) ?? 0) + count);
    driver.feed(INPUT, events);
    const best = [...totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 100);
    const { items } = await candidates(driver);
    expect(items.map(({ score }) => Math.round(score))).toEqual(best.map(([, count]) => count));
    if (round === 6) driver = await driver.restart();
  }
});

test('writes the neighbours of an item to the online store, absolute values', async () => {
  const driver = await drive();
  const paired = (itemId: string, weight: number) =>
    shopEvent('ItemActivity', { itemId: 'item-1', neighbours: [{ itemId, weight }] });
  driver.feed(INPUT, [paired('a', 1), paired('b', 2)]);
  driver.feed(INPUT, [paired('a', 3)]);
  const written = driver.online();
  expect([...written.keys()]).toEqual([neighboursKey('item-1')]);
  expect((JSON.parse(written.get(neighboursKey('item-1')) ?? '') as NeighbourList).items).toEqual([
    { itemId: 'a', score: 4 },
    { itemId: 'b', score: 2 },
  ]);
});

test('what is no item activity is dropped', async () => {
  const driver = await drive();
  driver.feed(INPUT, [shopEvent('PageViewed')]);
  expect(driver.task.counters).toMatchObject({ ok: 0, dropped: 1 });
});
