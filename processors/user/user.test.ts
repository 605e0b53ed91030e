import { expect, test } from 'vitest';
import { historyKey } from '../../schemas/keys.ts';
import { INTERNAL_TOPICS, SHOP_TOPICS } from '../../schemas/topics.ts';
import { shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf } from '../runtime/testing/task-driver.ts';
import { userJob } from './user.ts';

const KEY = historyKey({ kind: 'u', id: 'user-1' });

test('the history of a user gathers what all devices say, and survives a restart', async () => {
  const driver = await driveTask(subtopologyOf('user', userJob), { nowMs: T0 });
  driver.feed(INTERNAL_TOPICS.userActivity.name, [
    shopEvent('UserActed', { itemId: 'a', eventTime: T0 + 1 }),
    shopEvent('UserActed', { itemId: 'cart', action: 'carted' }),
    shopEvent('UserActed', { itemId: 'b', action: 'bought', eventTime: T0 + 2 }),
  ]);
  expect(driver.task.counters).toMatchObject({ ok: 2, dropped: 1 });
  await driver.commit();
  const again = await driver.restart();
  again.feed(INTERNAL_TOPICS.userActivity.name, [shopEvent('UserActed', { itemId: 'c', eventTime: T0 })]);
  expect(JSON.parse(again.online().get(KEY) ?? '')).toEqual({
    viewed: [
      { itemId: 'a', atMs: T0 + 1 },
      { itemId: 'c', atMs: T0 },
    ],
    bought: [{ itemId: 'b', atMs: T0 + 2 }],
  });
});

test('the state of a user is a versioned row', async () => {
  const driver = await driveTask(subtopologyOf('user', userJob), { nowMs: T0 });
  driver.feed(SHOP_TOPICS.users.name, [
    shopEvent('UserUpserted', { country: 'DE' }),
    shopEvent('UserUpserted', { country: 'FR', segment: null }),
  ]);
  const rows = (await driver.commit()).get('users') ?? [];
  expect(rows).toMatchObject([
    { user_id: 'user-1', country: 'DE', segment: 'new' },
    { user_id: 'user-1', country: 'FR', segment: '' },
  ]);
  expect(Number(rows[1]?.['version'])).toBeGreaterThan(Number(rows[0]?.['version']));
});
