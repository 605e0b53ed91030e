import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ItemCard } from '../../schemas/keys.ts';
import { startServing, type Harness } from '../harness.contract.ts';

interface Items {
  readonly items: readonly (ItemCard & { readonly itemId: string })[];
  readonly degraded: boolean;
}

interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}

const BOWL = { title: 'Bowl', category: 'kitchen', priceMinor: 1290, currency: 'EUR', active: true };
const LAMP = { title: 'Lampe “Nuit”', category: 'light', priceMinor: 4800, currency: 'JPY', active: false };

let harness: Harness;
beforeEach(async () => {
  harness = await startServing();
});
afterEach(() => harness.close());

const idsOf = (answer: Items) => answer.items.map((item) => item.itemId);

describe('GET /v1/items', () => {
  it('gives cards in the order asked, without unknown items', async () => {
    await harness.card('bowl', BOWL);
    await harness.card('lamp', LAMP);
    const { status, body } = await harness.get<Items>('/v1/items?ids=lamp,unknown,bowl');
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        { itemId: 'lamp', ...LAMP },
        { itemId: 'bowl', ...BOWL },
      ],
      degraded: false,
    });
  });

  it('takes repeated parameters and ids in any script, and gives each item once', async () => {
    await harness.card('bowl', BOWL);
    await harness.card('灯/1', LAMP);
    const lamp = encodeURIComponent('灯/1');
    const { body } = await harness.get<Items>(`/v1/items?ids=${lamp}&ids=bowl,${lamp}`);
    expect(idsOf(body)).toEqual(['灯/1', 'bowl']);
  });

  it('takes a hundred ids', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `item-${index}`);
    await harness.card('item-99', BOWL);
    expect(idsOf((await harness.get<Items>(`/v1/items?ids=${ids.join(',')}`)).body)).toEqual(['item-99']);
  });

  it('treats a broken card as absent', async () => {
    await harness.card('bowl', BOWL);
    await harness.store.setIfNewer([
      { key: 'item:{half}', value: '{"title":', version: 1, ttlMs: 1000 },
      { key: 'item:{dear}', value: JSON.stringify({ ...BOWL, priceMinor: '9' }), version: 1, ttlMs: 1000 },
    ]);
    const { body } = await harness.get<Items>('/v1/items?ids=half,dear,bowl');
    expect(idsOf(body)).toEqual(['bowl']);
  });

  it('is empty and degraded while the store is down', async () => {
    await harness.card('bowl', BOWL);
    await harness.store.close();
    const { status, body } = await harness.get<Items>('/v1/items?ids=bowl');
    expect(status).toBe(200);
    expect(body).toEqual({ items: [], degraded: true });
  });

  it.each([
    ['', 'ids'],
    ['ids=', 'ids.0'],
    ['ids=a,,b', 'ids.1'],
    [`ids=a,${'x'.repeat(201)}`, 'ids.1'],
    [`ids=${Array.from({ length: 101 }, (_, index) => index).join(',')}`, 'ids'],
    ['ids=a&limit=5', 'limit'],
  ])('refuses %s and names the parameter', async (query, parameter) => {
    const { status, body } = await harness.get<Refusal>(`/v1/items?${query}`);
    expect(status).toBe(400);
    expect(body.error.code).toBe('MR_SERVING_BAD_REQUEST');
    expect(body.error.message).toContain(`parameter ${parameter} `);
  });
});
