import { describe, expect, test } from 'vitest';
import type { IngestedEvent } from '../../../../ingest/public-event.ts';
import { captureOf, cartOf, eventId, orderOf, shopEvent, T0, viewOf } from '../../../harness/shop-events.ts';
import type { Acknowledged } from '../acknowledgements.ts';
import { compareTallies, Findings, tally } from './findings.ts';
import { deviceHistories, historyFault } from './histories.ts';
import { checkLateRecords, missedMinutes, mustBeLate, type LateRecord } from './lateness.ts';
import { foundItemTotals, itemTotals, userActs } from './outputs.ts';
import { compareTables } from './tables.ts';
import {
  channelSales,
  cohorts,
  itemMinutes,
  lastStates,
  salesMinutes,
  shopMinutes,
  type Figures,
} from './windows.ts';

const MINUTE_MS = 60_000;
const NONE = new Set<string>();

describe('tallies', () => {
  const found = (wanted: readonly string[], there: readonly string[]) => {
    const findings = new Findings();
    compareTallies(findings, 'facts', { wanted: tally(wanted), found: tally(there) });
    return [findings.count('gap'), findings.count('duplicate')];
  };

  test('one that is missing is a gap; one too many, or one that nobody sent, is a duplicate', () => {
    expect(found(['a', 'b'], ['b', 'a'])).toEqual([0, 0]);
    expect(found(['a', 'b'], ['b'])).toEqual([1, 0]);
    expect(found(['a', 'b'], ['a', 'b', 'b'])).toEqual([0, 1]);
    expect(found(['a'], ['a', 'x'])).toEqual([0, 1]);
  });

  test('every finding counts, and the first are told', () => {
    const findings = new Findings();
    for (let n = 0; n < 20; n++) findings.add('gap', `fact ${n}`);
    expect(findings.total).toBe(20);
    expect(findings.lines).toContain('gap: fact 0');
    expect(findings.lines.at(-1)).toBe('gap: 5 more');
  });
});

describe('tables', () => {
  const events: readonly IngestedEvent[] = [
    shopEvent('PageViewed'),
    viewOf('a', T0 + 1),
    viewOf('a', T0 + MINUTE_MS, { bot: true }),
    cartOf('a', T0, { quantityDelta: 2 }),
    cartOf('a', T0, { quantityDelta: -1 }),
    orderOf('o-1', T0, { channel: 'app', mode: 'b2b' }),
    captureOf('p-1', T0 + MINUTE_MS, { orderId: 'o-1' }),
    captureOf('p-2', T0, { orderId: 'unknown' }),
  ];

  test('hold people, and money where its order was placed', () => {
    expect(shopMinutes(events, NONE)).toEqual(
      new Map([[`${T0}|web`, { page_views: 1, product_views: 1, cart_adds: 1 }]]),
    );
    expect(itemMinutes(events, NONE)).toEqual(new Map([[`${T0}|a`, { views: 1, cart_adds: 1 }]]));
    const captured = { captured_payments: 1, captured_minor: 1000 };
    expect(salesMinutes(events, NONE)).toEqual(
      new Map<string, Figures>([
        [`${T0}|EUR`, { orders: 1, ordered_minor: 1000, ...captured }],
        [`${T0 + MINUTE_MS}|EUR`, captured],
      ]),
    );
    expect(channelSales(events, 'minute')).toEqual(
      new Map<string, Figures>([
        [`${T0}|EUR|app|b2b`, { orders: 1, ordered_minor: 1000 }],
        [`${T0 + MINUTE_MS}|EUR|app|b2b`, captured],
        [`${T0}|EUR||`, captured],
      ]),
    );
  });

  test('do not hold what missed its minute', () => {
    const view = viewOf('a', T0);
    expect(itemMinutes([view], new Set([view.eventId]))).toEqual(new Map());
  });

  test('a figure that is wrong, missing or too much is found; an absent one is 0', () => {
    const faults = (found: Readonly<Record<string, number>> | undefined) => {
      const findings = new Findings();
      const rows = found === undefined ? [] : ([['k', { ...found }]] as const);
      compareTables(findings, 't', { wanted: new Map([['k', { views: 2 }]]), found: new Map(rows) });
      return findings.count('wrong-window');
    };
    expect(faults({ views: 2, cart_adds: 0 })).toBe(0);
    for (const wrong of [{ views: 1 }, { views: 2, cart_adds: 1 }, {}, undefined])
      expect(faults(wrong)).toBe(1);
  });

  test('cohorts begin with the first order of a buyer, whenever that came', () => {
    const later = Date.UTC(2026, 1, 10);
    const orders = [orderOf('o-2', later), orderOf('o-1', Date.UTC(2026, 0, 14)), orderOf('o-3', later)];
    expect(cohorts(orders)).toEqual(
      new Map([
        ['month|2026-01-01|1', { buyers: 1, orders: 2 }],
        ['month|2026-01-01|0', { buyers: 1, orders: 1 }],
        ['week|2026-01-12|4', { buyers: 1, orders: 2 }],
        ['week|2026-01-12|0', { buyers: 1, orders: 1 }],
      ]),
    );
  });

  test('the last state counts', () => {
    const items = [shopEvent('ItemUpserted', { title: 'old' }), shopEvent('ItemUpserted', { title: 'new' })];
    expect(lastStates(items).items.get('item-1')?.title).toBe('new');
  });
});

describe('histories', () => {
  const events = [viewOf('a', T0 + 5), viewOf('b', T0 + 7), viewOf('a', T0), orderOf('o', T0 + 9)];
  const wanted = deviceHistories(events).get('device-1');
  const fault = (viewed: readonly (readonly [string, number])[]) => {
    const list = viewed.map(([itemId, ms]) => ({ itemId, atMs: T0 + ms }));
    const bought = [{ itemId: 'item-1', atMs: T0 + 9 }];
    return wanted && historyFault(wanted, JSON.stringify({ viewed: list, bought }));
  };

  test('hold each item once with its last time, newest first', () => {
    expect(
      fault([
        ['b', 7],
        ['a', 5],
      ]),
    ).toBeUndefined();
    expect(
      fault([
        ['a', 5],
        ['b', 7],
      ]),
    ).toContain('other times');
    expect(fault([['b', 7]])).toContain('without a@');
    expect(
      fault([
        ['b', 7],
        ['a', 0],
      ]),
    ).toContain('other times');
    expect(
      fault([
        ['a', 7],
        ['b', 5],
      ]),
    ).toContain('has a at');
    expect(wanted && historyFault(wanted, null)).toBe('is missing');
  });
});

describe('what tasks say to each other', () => {
  test('item activity is compared by its sums, however it was cut into records', () => {
    const events = [viewOf('a', T0), viewOf('a', T0 + 1), cartOf('a', T0), orderOf('o', T0)];
    const activity = (views: number, carts: number) =>
      shopEvent('ItemActivity', { itemId: 'a', views, carts, purchases: 0 });
    const bought = shopEvent('ItemActivity', { itemId: 'item-1', views: 0, purchases: 1 });
    expect(foundItemTotals([activity(1, 1), activity(1, 0), bought])).toEqual(itemTotals(events));
  });

  test('a link may give the user what the device did', () => {
    const link = shopEvent('IdentityLinked', { userId: 'u' });
    const { least, most } = userActs([viewOf('a', T0), link, viewOf('b', T0, { userId: 'u' })]);
    expect(least).toEqual(new Map([[`u b viewed ${T0}`, 1]]));
    expect(most).toEqual(
      new Map([
        [`u a viewed ${T0}`, 1],
        [`u b viewed ${T0}`, 2],
      ]),
    );
  });
});

describe('lateness', () => {
  const times = { graceMs: 10_000, outOfOrderMs: 2000 };
  const late = (fields: Partial<LateRecord> = {}): LateRecord => ({
    event: viewOf('a', T0),
    topic: 'shop.clickstream',
    windowStartMs: T0,
    windowEndMs: T0 + MINUTE_MS,
    latenessMs: 20_000,
    isCorrected: false,
    atMs: T0 + 10 * MINUTE_MS,
    ...fields,
  });
  const count = (record: LateRecord) => {
    const findings = new Findings();
    checkLateRecords(findings, [record], times);
    return findings.count('wrong-lateness');
  };

  test('what was put aside must have been late, in its window, and not ahead of the clock', () => {
    expect(count(late())).toBe(0);
    expect(count(late({ latenessMs: 9999 }))).toBe(1);
    expect(count(late({ event: viewOf('a', T0 - 1) }))).toBe(1);
    expect(count(late({ atMs: T0 + MINUTE_MS + 19_999 }))).toBe(1);
  });

  test('only what was not corrected is missing in the minutes', () => {
    const [lost, corrected] = [late(), late({ isCorrected: true })];
    expect(missedMinutes([lost, corrected])).toEqual(new Set([lost.event.eventId]));
  });

  test('a click behind newer ones of its partition is late for certain, unless an older copy may be there', () => {
    const newer = viewOf('a', T0 + MINUTE_MS + 12_000, { eventId: eventId(1) });
    const older = viewOf('a', T0, { eventId: eventId(2) });
    const events = new Map([newer, older].map((event) => [event.eventId, event as IngestedEvent]));
    const copy = (event: { readonly eventId: string }, offset: number, more: Partial<Acknowledged> = {}) => ({
      ...{ id: event.eventId, topic: 't', partition: 0, offset, ...more },
    });
    expect(mustBeLate([copy(older, 1), copy(newer, 0)], events, times)).toEqual([older.eventId]);
    expect(mustBeLate([copy(older, 0), copy(newer, 1)], events, times)).toEqual([]);
    expect(mustBeLate([copy(newer, 0), copy(older, 1, { partition: 1 })], events, times)).toEqual([]);
    expect(mustBeLate([copy(newer, 0), copy(older, 1, { isRepeated: true })], events, times)).toEqual([]);
    expect(mustBeLate([copy(older, 0), copy(newer, 1), copy(older, 2)], events, times)).toEqual([]);
    const almost = new Map(events).set(newer.eventId, { ...newer, eventTime: newer.eventTime - 1 });
    expect(mustBeLate([copy(older, 1), copy(newer, 0)], almost, times)).toEqual([]);
  });
});
