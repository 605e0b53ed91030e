import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServing, START_MS, type Harness } from '../harness.contract.ts';

interface Items {
  readonly items: readonly { readonly itemId: string; readonly position: number; readonly source?: string }[];
  readonly asOf?: string | null;
  readonly degraded: boolean;
}

let harness: Harness;
beforeEach(async () => {
  harness = await startServing();
});
afterEach(() => harness.close());

const ids = (answer: Items) => answer.items.map((item) => item.itemId);

describe('GET /v1/items/:id/similar', () => {
  it('gives neighbours, then trending items, never the item itself', async () => {
    await harness.neighbours('a/b', ['near', 'a/b', 'next']);
    await harness.trending(['hot', 'near', 'a/b']);
    const { body } = await harness.get<Items>('/v1/items/a%2Fb/similar');
    expect(body.items.map((item) => [item.itemId, item.position, item.source])).toEqual([
      ['near', 0, 'co-visitation'],
      ['next', 1, 'co-visitation'],
      ['hot', 2, 'trending'],
    ]);
  });

  it('answers from the last trending list while the store is down', async () => {
    await harness.trending(['hot']);
    await harness.get('/v1/items/x/similar');
    await harness.store.close();
    const { body } = await harness.get<Items>('/v1/items/x/similar');
    expect(body.degraded).toBe(true);
    expect(ids(body)).toEqual(['hot']);
  });
});

describe('GET /v1/trending', () => {
  it('gives the best items in order, with the time of the list', async () => {
    await harness.trending(['one', 'two', 'three']);
    const { body } = await harness.get<Items>('/v1/trending?limit=2');
    expect(body.items).toMatchObject([
      { itemId: 'one', position: 0, score: 100 },
      { itemId: 'two', position: 1, score: 99 },
    ]);
    expect(body).toMatchObject({ asOf: new Date(START_MS).toISOString(), degraded: false });
  });

  it('is empty without a list, and gives the last one while the store is down', async () => {
    expect((await harness.get<Items>('/v1/trending')).body).toEqual({
      items: [],
      asOf: null,
      degraded: false,
    });
    await harness.trending(['one']);
    await harness.get('/v1/trending');
    await harness.store.close();
    const { body } = await harness.get<Items>('/v1/trending');
    expect(body.degraded).toBe(true);
    expect(ids(body)).toEqual(['one']);
  });
});
