import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemAction, UserActed } from '../../schemas/generated/events.ts';
import { segmentTrendingKey, type TrendingList } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { TRENDING_HALF_LIFE_MS } from '../items/items.ts';
import { topology } from '../runtime/dsl/index.ts';
import { driveTopology, type TopologyDriver } from '../runtime/testing/topology-driver.ts';
import { segmentsJob } from './segments.ts';

const ACTIVITY = INTERNAL_TOPICS.userActivity.name;
const USERS = SHOP_TOPICS.users.name;
const CANDIDATES = INTERNAL_TOPICS.trendingCandidates.name;
const MINUTE_MS = 60_000;
/** Later than everything that happens; no clock moves time on before a test says so. */
const NOW = T0 + 48 * 60 * MINUTE_MS;

const at = (minutes: number) => T0 + minutes * MINUTE_MS;
const user = (userId: string, segment: string | null, minutes = 0) =>
  shopEvent('UserUpserted', { userId, segment, eventTime: at(minutes) });
const act = (userId: string, itemId: string, minutes: number, action: ItemAction = 'viewed') =>
  shopEvent('UserActed', { userId, itemId, action, eventTime: at(minutes) });

async function drive(partitions = 1): Promise<TopologyDriver> {
  const app = topology('test');
  segmentsJob(app);
  return driveTopology(app.build(), { startMs: NOW, partitions });
}
const sign = (driver: TopologyDriver, ...events: ReturnType<typeof user>[]) =>
  driver.events(USERS, events, ({ userId }) => userId);
const tell = (driver: TopologyDriver, ...events: UserActed[]) =>
  driver.events(ACTIVITY, events, ({ userId }) => userId);

function listOf(driver: TopologyDriver, segment: string) {
  const value = driver.online(segmentTrendingKey(segment));
  const { items } = JSON.parse(value ?? '{"items":[]}') as Pick<TrendingList, 'items'>;
  return items.map(({ itemId, score }) => [itemId, score] as const);
}

describe('the list of a segment', () => {
  test('is what its users want most: a purchase says more than a cart, a cart more than a view', async () => {
    const driver = await drive();
    await sign(driver, user('u1', 'new'), user('u2', 'vip'), user('u3', null));
    await tell(
      driver,
      act('u1', 'a', 0),
      act('u1', 'a', 0),
      act('u1', 'b', 0, 'bought'),
      act('u1', 'c', 0, 'carted'),
      act('u2', 'a', 0),
      act('u3', 'd', 0),
      act('nobody knows', 'd', 0),
    );
    expect(listOf(driver, 'new')).toEqual([
      ['b', 10],
      ['c', 3],
      ['a', 2],
    ]);
    expect(listOf(driver, 'vip')).toEqual([['a', 1]]);
    expect(listOf(driver, '')).toEqual([]);
  });

  test('halves what was done with each half-life', async () => {
    const driver = await drive();
    await sign(driver, user('u1', 'new'));
    const halfLife = TRENDING_HALF_LIFE_MS / MINUTE_MS;
    await tell(driver, act('u1', 'old', 0, 'bought'), act('u1', 'now', 2 * halfLife, 'carted'));
    expect(listOf(driver, 'new')).toEqual([
      ['now', 3],
      ['old', 2.5],
    ]);
  });

  test('takes each act for the segment that the user was in', async () => {
    const driver = await drive();
    await sign(driver, user('u1', 'new'));
    await tell(driver, act('u1', 'a', 1));
    await sign(driver, user('u1', 'vip', 2));
    await tell(driver, act('u1', 'b', 3));
    await sign(driver, user('u1', null, 4));
    await tell(driver, act('u1', 'c', 5));
    expect(listOf(driver, 'new').map(([itemId]) => itemId)).toEqual(['a']);
    expect(listOf(driver, 'vip').map(([itemId]) => itemId)).toEqual(['b']);
  });

  test('names segments and items apart, whatever characters they have', async () => {
    const driver = await drive();
    await sign(driver, user('u1', '1|a'), user('u2', '1|'), user('u3', '1'));
    await tell(driver, act('u1', 'b', 0), act('u2', 'ab', 0), act('u3', '|ab', 0));
    await driver.restart();
    await tell(driver, act('u1', 'c', 0));
    expect(listOf(driver, '1|a').map(([itemId]) => itemId)).toEqual(['b', 'c']);
    expect(listOf(driver, '1|').map(([itemId]) => itemId)).toEqual(['ab']);
    expect(listOf(driver, '1').map(([itemId]) => itemId)).toEqual(['|ab']);
  });

  test('is the best of all partitions by all acts, through crashes', async () => {
    const acts = fc.array(
      fc.record({
        userId: fc.constantFrom('u0', 'u1', 'u2', 'u3', 'u4', 'u5'),
        item: fc.integer({ min: 0, max: 120 }),
        minutes: fc.integer({ min: 0, max: 90 }),
        action: fc.constantFrom<ItemAction[]>('viewed', 'carted', 'bought'),
      }),
      { minLength: 1, maxLength: 150 },
    );
    const segmentOf = (userId: string) => (userId < 'u3' ? 'new' : 'vip');
    await fc.assert(
      fc.asyncProperty(acts, async (all) => {
        const driver = await drive(3);
        await sign(driver, ...[0, 1, 2, 3, 4, 5].map((n) => user(`u${n}`, segmentOf(`u${n}`))));
        for (let from = 0; from < all.length; from += 20) {
          const some = all.slice(from, from + 20);
          await tell(
            driver,
            ...some.map(({ userId, item, minutes, action }) => act(userId, `i${item}`, minutes, action)),
          );
          if (from % 60 === 40) await driver.restart();
        }
        for (const segment of ['new', 'vip']) {
          const scores = new Map<string, number>();
          const of = all.filter(({ userId }) => segmentOf(userId) === segment);
          for (const { item, minutes, action } of of) {
            const weight = { viewed: 1, carted: 3, bought: 10 }[action] * 2 ** (minutes / 30);
            scores.set(`i${item}`, (scores.get(`i${item}`) ?? 0) + weight);
          }
          const best = [...scores.values()].sort((a, b) => b - a).slice(0, 50);
          const told = listOf(driver, segment);
          const ratio = (told[0]?.[1] ?? 0) / (best[0] ?? 1);
          expect(told).toHaveLength(best.length);
          told.forEach(([itemId, score], rank) => {
            expect(score / ((best[rank] ?? 0) * ratio)).toBeCloseTo(1, 2);
            expect(score / ((scores.get(itemId) ?? 0) * ratio)).toBeCloseTo(1, 2);
          });
        }
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});

describe('the minutes of a list', () => {
  const rowsOf = (driver: TopologyDriver) =>
    driver
      .rows('segment_trending_minute')
      .map((row) => [row['segment'], row['window_start'], row['item_ids'], row['scores']]);

  test('are written when each has ended and only where something has changed, decayed to its end', async () => {
    const driver = await drive();
    await sign(driver, user('u1', 'new'), user('clock', 'clock'));
    await tell(driver, act('u1', 'a', 0, 'bought'), act('u1', 'b', 0.5));
    await driver.advanceClock(5 * MINUTE_MS);
    const [[, start, items, scores] = [], ...others] = rowsOf(driver);
    expect([start, items, others]).toEqual([T0, ['a', 'b'], []]);
    const [a = 0, b = 0] = scores as number[];
    expect(a).toBeCloseTo(10 * 2 ** (-1 / 30), 2);
    expect(b).toBeCloseTo(2 ** (-0.5 / 30), 2);
    await driver.restart();
    await tell(driver, act('u1', 'b', 30));
    await driver.advanceClock(5 * MINUTE_MS);
    expect(rowsOf(driver).map(([, minute]) => minute)).toEqual([T0, at(30)]);
  });

  test('of the whole shop come from what all visitors do', async () => {
    const driver = await drive();
    const candidates = (partition: number, itemId: string, score: number) =>
      shopEvent('TrendingCandidates', { partition, items: [{ itemId, score }] });
    await driver.events(CANDIDATES, [candidates(0, 'a', 4), candidates(1, 'b', 8)], () => 'all');
    await driver.advanceClock(2 * MINUTE_MS);
    expect(rowsOf(driver).map(([segment, , items]) => [segment, items])).toEqual([['', ['b', 'a']]]);
    expect(driver.online(segmentTrendingKey(''))).toBeUndefined();
  });
});
