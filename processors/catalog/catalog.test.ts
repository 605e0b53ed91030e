import { expect, test } from 'vitest';
import { itemKey } from '../../schemas/keys.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { shopEvent, T0 } from '../../test/harness/shop-events.ts';
import { driveTask, subtopologyOf } from '../runtime/testing/task-driver.ts';
import { catalogJob } from './catalog.ts';

test('an item is a versioned row for analysts and a card for those who show it', async () => {
  const driver = await driveTask(subtopologyOf('catalog', catalogJob), { nowMs: T0 });
  driver.feed(SHOP_TOPICS.catalog.name, [
    shopEvent('ItemUpserted'),
    shopEvent('ItemUpserted', { title: 'Boots', active: false }),
    shopEvent('PageViewed'),
  ]);
  expect(driver.task.counters).toMatchObject({ ok: 2, dropped: 1 });
  const [written] = driver.task.takeOnline().writes;
  expect(written?.key).toBe(itemKey('item-1'));
  // A compacted topic is read anew at the first start: its ages say nothing of freshness.
  expect(written?.acceptedAtMs).toBeUndefined();
  expect(JSON.parse(written?.value ?? '')).toEqual({
    title: 'Boots',
    category: 'shoes',
    priceMinor: 1000,
    currency: 'EUR',
    active: false,
  });
  expect((await driver.commit()).get('items')).toMatchObject([
    { item_id: 'item-1', title: 'Shoes', price_minor: 1000, active: true, brand: '' },
    { item_id: 'item-1', title: 'Boots', active: false },
  ]);
});
