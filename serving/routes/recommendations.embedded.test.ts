import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MillraceError } from '../../platform/errors.ts';
import type { RecommendationsServed } from '../../schemas/generated/events.ts';
import { decodeEvent } from '../../schemas/wire-format.ts';
import { counted, startServing, START_MS, type Harness } from '../harness.contract.ts';
import { MODEL_VERSION } from '../recommend.ts';

interface Answer {
  readonly recommendationId: string;
  readonly items: readonly {
    readonly itemId: string;
    readonly position: number;
    readonly source: string;
    readonly reason: string;
    readonly because: readonly string[];
  }[];
  readonly modelVersion: string;
  readonly servedAt: string;
  readonly degraded: boolean;
  readonly reason: string | null;
}

interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}

const DEVICE = { kind: 'a', id: 'device' } as const;
const USER = { kind: 'u', id: 'user' } as const;

let harness: Harness;
beforeEach(async () => {
  harness = await startServing();
});
afterEach(() => harness.close());

const ask = (query: string) => harness.get<Answer>(`/v1/recommendations?${query}`);
const ids = (answer: Answer) => answer.items.map((item) => item.itemId);

describe('GET /v1/recommendations', () => {
  it('goes from co-visitation over trending to what was viewed, without what was bought', async () => {
    await harness.history(DEVICE, ['now', 'earlier'], ['had']);
    await harness.neighbours('now', ['near', 'had', 'earlier']);
    await harness.trending(['hot', 'near', 'now']);
    const { status, body } = await ask('anonymousId=device');
    expect(status).toBe(200);
    expect(body.items.map((item) => [item.itemId, item.source])).toEqual([
      ['near', 'co-visitation'],
      ['hot', 'trending'],
      ['earlier', 'last-resort'],
      ['now', 'last-resort'],
    ]);
    expect(body.items[0]).toMatchObject({ position: 0, because: ['now'] });
    expect(body).toMatchObject({
      modelVersion: MODEL_VERSION,
      degraded: false,
      reason: null,
      servedAt: new Date(START_MS).toISOString(),
    });
    expect(body.recommendationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
  });

  it('merges the histories of the user and the device', async () => {
    await harness.history(DEVICE, ['a'], ['x']);
    await harness.history(USER, ['b'], ['y']);
    await harness.neighbours('a', ['x', 'y', 'from-a']);
    await harness.neighbours('b', ['from-b', 'x']);
    const { body } = await ask('anonymousId=device&userId=user&limit=2');
    expect(new Set(ids(body))).toEqual(new Set(['from-a', 'from-b']));
  });

  it('is never empty once anything was seen, by anyone', async () => {
    await harness.history({ kind: 'a', id: 'somebody' }, ['seen']);
    await ask('anonymousId=somebody');
    const { body } = await ask('anonymousId=stranger');
    expect(body.items).toMatchObject([{ itemId: 'seen', source: 'last-resort' }]);
  });

  it('says why it is empty on a shop without data, and when all was bought', async () => {
    expect((await ask('anonymousId=device')).body).toMatchObject({ items: [], reason: 'no-data-yet' });
    await harness.history(DEVICE, ['only'], ['only']);
    expect((await ask('anonymousId=device')).body).toMatchObject({ items: [], reason: 'all-bought' });
  });

  it('answers from memory while the store is down, still without what was bought', async () => {
    await harness.history(DEVICE, ['now'], ['had']);
    await harness.trending(['had', 'hot', 'warm']);
    await ask('anonymousId=device');
    await harness.store.close();
    const { status, body } = await ask('anonymousId=device');
    expect(status).toBe(200);
    expect(body.degraded).toBe(true);
    expect(ids(body)).toEqual(['hot', 'warm', 'now']);
    expect(ids((await ask('anonymousId=other')).body)).toEqual(['had', 'hot', 'warm', 'now']);
  });

  it('treats a broken value of the store as absent', async () => {
    await harness.store.setIfNewer([
      { key: 'history:{a:device}', value: '{"viewed":', version: 1, ttlMs: 1000 },
      { key: 'neighbours:{x}', value: '[]', version: 1, ttlMs: 1000 },
    ]);
    await harness.trending(['hot']);
    expect(ids((await ask('anonymousId=device')).body)).toEqual(['hot']);
  });

  it.each([
    ['limit=5', 'anonymousId'],
    ['anonymousId=', 'anonymousId'],
    [`userId=${'x'.repeat(201)}`, 'userId'],
    ['anonymousId=a&limit=0', 'limit'],
    ['anonymousId=a&limit=51', 'limit'],
    ['anonymousId=a&limit=ten', 'limit'],
    ['anonymousId=a&anonymousId=b', 'anonymousId'],
    ['anonymousId=a&visitor=b', 'visitor'],
  ])('refuses %s and names the parameter', async (query, parameter) => {
    const { status, body } = await harness.get<Refusal>(`/v1/recommendations?${query}`);
    expect(status).toBe(400);
    expect(body.error.code).toBe('MR_SERVING_BAD_REQUEST');
    expect(body.error.message).toContain(`parameter ${parameter} `);
  });
});

describe('the log of answers', () => {
  it('holds every answer as it was given, by the end of the stage', async () => {
    await harness.history(DEVICE, ['now']);
    await harness.neighbours('now', ['near']);
    const { body } = await ask('anonymousId=device&userId=user&limit=1');
    await harness.serving.close();
    const [record] = harness.producer.records;
    expect(record).toMatchObject({ topic: 'shop.served', key: 'device', timestampMs: START_MS });
    expect(decodeEvent(record?.value ?? null)).toMatchObject({
      type: 'RecommendationsServed',
      recommendationId: body.recommendationId,
      anonymousId: 'device',
      userId: 'user',
      items: [{ itemId: 'near', position: 0, propensity: 1, reason: 'co-visitation' }],
      modelVersion: MODEL_VERSION,
    } satisfies Partial<RecommendationsServed>);
    expect(
      await counted(harness.metrics, 'millrace_recommendations_total', { source: 'co-visitation' }),
    ).toBe(1);
  });

  it('never fails an answer: what Kafka refuses is counted', async () => {
    harness.producer.failure = new MillraceError('MR_KAFKA_UNAVAILABLE', 'no broker');
    await harness.trending(['hot']);
    expect((await ask('anonymousId=device')).status).toBe(200);
    expect((await ask('anonymousId=device')).status).toBe(200);
    await harness.serving.close();
    expect(await counted(harness.metrics, 'millrace_served_log_dropped_total')).toBe(2);
  });
});
