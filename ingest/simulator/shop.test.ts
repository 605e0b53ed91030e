import { describe, expect, test } from 'vitest';
import { createEventValidator } from '../collector/event-validator.ts';
import type { PublicEvent } from '../public-event.ts';
import type { PlantedFault } from './planned-event.ts';
import type { ShopOptions } from './shop-options.ts';
import { createShop } from './shop.ts';

const START_MS = 1_760_000_000_000;
const TICK_MS = 50;

interface Run {
  readonly tables: readonly PublicEvent[];
  readonly events: readonly { readonly event: PublicEvent; readonly sentMs: number }[];
  readonly faults: readonly PlantedFault[];
  readonly settled: readonly PublicEvent[];
}

function run(options: Partial<ShopOptions> = {}, seconds = 60, rate = 100): Run {
  const shop = createShop({ seed: 7, startMs: START_MS, ...options });
  const tables = shop.tables(START_MS);
  const events: { event: PublicEvent; sentMs: number }[] = [];
  const faults: PlantedFault[] = [];
  const endMs = START_MS + seconds * 1000;
  for (let nowMs = START_MS; nowMs < endMs; nowMs += TICK_MS) {
    const tick = shop.tick(nowMs, rate);
    events.push(...tick.events.map((event) => ({ event, sentMs: nowMs })));
    faults.push(...tick.faults);
  }
  return { tables, events, faults, settled: shop.settle(endMs) };
}

const minute = run();
const all = [...minute.tables, ...minute.events.map(({ event }) => event), ...minute.settled];
const ofType = <Type extends PublicEvent['type']>(type: Type) =>
  all.filter((event): event is Extract<PublicEvent, { type: Type }> => event.type === type);

describe('a minute of the shop', () => {
  test('is the same for the same seed and calls', () => {
    expect(run()).toEqual(minute);
  });

  test('has other events for another seed', () => {
    const ids = new Set(all.map(({ eventId }) => eventId));
    const others = run({ seed: 8 }, 5);
    expect(others.events.filter(({ event }) => ids.has(event.eventId))).toEqual([]);
  });

  test('has the same items and visitors but other events and cards in another epoch', () => {
    const other = run({ epoch: 1 });
    const withoutIds = (events: readonly PublicEvent[]) => events.map((event) => ({ ...event, eventId: '' }));
    expect(withoutIds(other.tables)).toEqual(withoutIds(minute.tables));
    const ids = new Set(all.map(({ eventId }) => eventId));
    expect(
      other.tables.concat(other.events.map(({ event }) => event)).filter((e) => ids.has(e.eventId)),
    ).toEqual([]);
    const fingerprints = new Set(ofType('PaymentAuthorised').map((payment) => payment.cardFingerprint));
    fingerprints.delete(null);
    const again = other.events.filter(
      ({ event }) => event.type === 'PaymentAuthorised' && fingerprints.has(event.cardFingerprint),
    );
    expect(again).toEqual([]);
  });

  test('keeps to the rate once it is there', () => {
    for (let second = 1; second < 60; second++) {
      const from = START_MS + second * 1000;
      const sent = minute.events.filter(({ sentMs }) => sentMs >= from && sentMs < from + 1000).length;
      expect(sent, `second ${second}`).toBeGreaterThan(80);
      expect(sent, `second ${second}`).toBeLessThan(160);
    }
  });

  test('gives every event an id of its own', () => {
    expect(new Set(all.map(({ eventId }) => eventId)).size).toBe(all.length);
  });

  test('gives only events that the collector takes', () => {
    const validate = createEventValidator();
    const faults = all.map((event) => validate(event, START_MS + 60_000)).filter(({ ok }) => !ok);
    expect(faults).toEqual([]);
  });

  test('never sends an event before it happened, and some a little out of order', () => {
    const delays = minute.events.map(({ event, sentMs }) => sentMs - event.eventTime);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1000 + TICK_MS);
    const late = minute.events.filter(
      ({ event }, index) => event.eventTime < (minute.events[index - 1]?.event.eventTime ?? 0),
    );
    expect(late.length).toBeGreaterThan(100);
  });

  test('shows every part of the business', () => {
    const types = [...new Set(all.map(({ type }) => type))];
    expect(types).toEqual(
      expect.arrayContaining([
        ...['ItemUpserted', 'UserUpserted', 'IdentityLinked', 'PageViewed', 'ListViewed', 'SearchPerformed'],
        ...[
          'ProductViewed',
          'CartChanged',
          'CheckoutStepped',
          'OrderPlaced',
          'OrderConfirmed',
          'OrderCompleted',
        ],
        ...['PaymentAuthorised', 'PaymentCaptured', 'PaymentFailed'],
        ...['ShipmentCreated', 'ShipmentScanned', 'ShipmentDelivered'],
      ]),
    );
    const orders = ofType('OrderPlaced');
    expect(new Set(orders.map(({ mode }) => mode)).size).toBeGreaterThanOrEqual(3);
    expect(new Set(orders.map(({ total }) => total.currency)).size).toBeGreaterThanOrEqual(4);
    for (const { lines, total } of orders) {
      const sum = lines.reduce(
        (amount, { unitPrice, quantity }) => amount + unitPrice.amountMinor * quantity,
        0,
      );
      expect(sum).toBe(total.amountMinor);
      expect(lines.every(({ unitPrice }) => unitPrice.currency === total.currency)).toBe(true);
    }
  });

  test('links a device to one user only, and some users to two devices', () => {
    const users = new Map<string, Set<string>>();
    const devices = new Map<string, Set<string>>();
    for (const { anonymousId, userId } of ofType('IdentityLinked')) {
      users.set(anonymousId, (users.get(anonymousId) ?? new Set()).add(userId));
      devices.set(userId, (devices.get(userId) ?? new Set()).add(anonymousId));
    }
    expect([...users.values()].every(({ size }) => size === 1)).toBe(true);
    expect([...devices.values()].some(({ size }) => size === 2)).toBe(true);
  });

  test('has sessions that keep to a style, which co-visitation can learn', () => {
    const bySession = new Map<string | null, string[]>();
    for (const { sessionId, itemId } of ofType('ProductViewed')) {
      bySession.set(sessionId, [...(bySession.get(sessionId) ?? []), itemId]);
    }
    const category = new Map(ofType('ItemUpserted').map((item) => [item.itemId, item.category]));
    const pairs = [...bySession.values()].flatMap((views) =>
      views.slice(1).map((itemId, index) => [views[index] ?? '', itemId] as const),
    );
    const alike = pairs.filter(([a, b]) => category.get(a) === category.get(b));
    // Twelve categories: by chance one pair in twelve would be alike.
    expect(alike.length / pairs.length).toBeGreaterThan(0.6);
  });
});

describe('planted faults', () => {
  const long = run({}, 180);
  const events = [...long.events.map(({ event }) => event), ...long.settled];
  const sentMs = new Map(long.events.map((sent) => [sent.event.eventId, sent.sentMs]));
  const bursts = long.faults.filter(({ kind }) => kind === 'card-velocity-burst');
  const parcels = long.faults.filter(({ kind }) => kind === 'parcel-silent');

  test('are there from early on', () => {
    expect(bursts.length).toBeGreaterThanOrEqual(6);
    expect(parcels.length).toBeGreaterThanOrEqual(4);
    expect(bursts[0]?.fromMs).toBeLessThan(START_MS + 10_000);
    expect(parcels[0]?.fromMs).toBeLessThan(START_MS + 40_000);
  });

  test('are the only cards with five payments in five minutes', () => {
    const times = new Map<string, number[]>();
    for (const event of events) {
      if (!('cardFingerprint' in event) || event.cardFingerprint === null) continue;
      times.set(event.cardFingerprint, [...(times.get(event.cardFingerprint) ?? []), event.eventTime]);
    }
    const fast = [...times].filter(([, at]) => {
      const sorted = at.toSorted((a, b) => a - b);
      return sorted.some((time, index) => time - (sorted[index - 4] ?? -Infinity) <= 300_000);
    });
    expect(fast.map(([fingerprint]) => fingerprint).toSorted()).toEqual(
      bursts.map(({ entityId }) => entityId).toSorted(),
    );
  });

  test('name five payments of the card, mostly failed, on several orders', () => {
    for (const { entityId, eventIds, fromMs, expectedByMs } of bursts) {
      const payments = events.filter(
        (event) => 'cardFingerprint' in event && event.cardFingerprint === entityId,
      );
      const named = payments.filter(({ eventId }) => eventIds.includes(eventId));
      expect(named).toHaveLength(5);
      expect(Math.min(...named.map(({ eventTime }) => eventTime))).toBe(fromMs);
      expect(expectedByMs).toBeGreaterThan(Math.max(...named.map(({ eventId }) => sentMs.get(eventId) ?? 0)));
      expect(new Set(named.map((event) => ('orderId' in event ? event.orderId : ''))).size).toBeGreaterThan(
        1,
      );
    }
    const all = events.filter(
      (event) =>
        'cardFingerprint' in event && bursts.some(({ entityId }) => entityId === event.cardFingerprint),
    );
    const failed = all.filter(({ type }) => type === 'PaymentFailed');
    expect(failed.length / all.length).toBeGreaterThan(0.7);
  });

  test('are the only parcels that fall silent, before the end and after it', () => {
    const times = new Map<string, number[]>();
    const ended = new Set<string>();
    for (const event of events) {
      if (!('shipmentId' in event)) continue;
      times.set(event.shipmentId, [...(times.get(event.shipmentId) ?? []), event.eventTime]);
      if (event.type === 'ShipmentDelivered' || event.type === 'ShipmentFailed') ended.add(event.shipmentId);
    }
    const silent = [...times].filter(([shipmentId, at]) => {
      const sorted = at.toSorted((a, b) => a - b);
      const gap = sorted.some((time, index) => time - (sorted[index - 1] ?? Infinity) >= 15_000);
      return gap || !ended.has(shipmentId);
    });
    expect(silent.map(([shipmentId]) => shipmentId).toSorted()).toEqual(
      parcels.map(({ entityId }) => entityId).toSorted(),
    );
    for (const { entityId, fromMs, expectedByMs } of parcels) {
      expect(Math.max(...(times.get(entityId) ?? []))).toBe(fromMs);
      expect(expectedByMs).toBe(fromMs + 15_000 + 10_000);
    }
  });

  test('can be left out', () => {
    expect(run({ cardBurstEveryMs: 0, stuckParcelEvery: 0 }, 30).faults).toEqual([]);
  });

  test.each([
    { parcelStepMs: 10_000, parcelSilenceMs: 15_000 },
    { cardBurstCount: 4 },
    { cardBurstGapMs: 60_000 },
    { items: 3 },
  ])('must be told from normal traffic: %j', (options) => {
    expect(() => run(options)).toThrow(expect.objectContaining({ code: 'MR_SIMULATOR_INVALID' }) as Error);
  });
});
