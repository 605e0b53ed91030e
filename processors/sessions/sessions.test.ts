import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClickstreamEvent } from '../../schemas/generated/events.ts';
import { SHOP_TOPICS } from '../../schemas/topics.ts';
import { encodeEvent } from '../../schemas/wire-format.ts';
import { cartOf, shopEvent, T0, viewOf } from '../../test/harness/shop-events.ts';
import { topology } from '../runtime/dsl/index.ts';
import { driveTopology, type TopologyDriver } from '../runtime/testing/topology-driver.ts';
import { SESSION_GAP_MS, sessionsJob } from './sessions.ts';

const CLICKS = SHOP_TOPICS.clickstream.name;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Later than everything that happens, and no clock moves time on before a test says so. */
const NOW = T0 + 12 * HOUR_MS;

function sessionsOnly(timeZone = 'UTC') {
  const app = topology('test');
  sessionsJob(app, { graceMs: 30_000, timeZone });
  return app.build();
}
const drive = (options: { partitions?: number; outOfOrderMs?: number } = {}) =>
  driveTopology(sessionsOnly(), { startMs: NOW, ...options });
const click = (driver: TopologyDriver, ...events: ClickstreamEvent[]) =>
  driver.events(CLICKS, events, ({ anonymousId }) => anonymousId);
const at = (minutes: number) => T0 + minutes * MINUTE_MS;
const step = (name: 'started' | 'submitted', minutes: number, orderId: string | null = null) =>
  shopEvent('CheckoutStepped', { step: name, orderId, eventTime: at(minutes) });

type Rows = ReturnType<TopologyDriver['rows']>;

/** What a reader with FINAL sees: of each key the row with the highest version, unless it is retracted. */
function finalSessions(rows: Rows) {
  const newest = new Map<string, Rows[number]>();
  for (const row of rows) {
    const key = JSON.stringify([row['session_start'], row['anonymous_id'], row['partition']]);
    if (Number(newest.get(key)?.['version'] ?? 0) < Number(row['version'])) newest.set(key, row);
  }
  return [...newest.values()]
    .filter((row) => row['retracted'] === 0)
    .sort(
      (a, b) =>
        Number(a['session_start']) - Number(b['session_start']) ||
        String(a['anonymous_id']).localeCompare(String(b['anonymous_id'])),
    );
}
const sessionsOf = (driver: TopologyDriver) => finalSessions(driver.rows('sessions'));

/** Sends events that nothing has read yet. */
function append(driver: TopologyDriver, ...events: readonly ClickstreamEvent[]): void {
  for (const event of events)
    driver.kafka.append({
      topic: CLICKS,
      key: event.anonymousId,
      value: encodeEvent(event),
      timestampMs: event.ingestTime,
    });
}

/** The rows of a commit of which the transaction never comes. */
function prepareCommit(driver: TopologyDriver, partitions = 1): Rows {
  return Array.from({ length: partitions }, (_, partition) => {
    const task = driver.task('visitor', partition);
    for (const { topic, fetchPosition } of task.queues)
      task.take(topic, driver.kafka.fetch({ topic, partition }, fetchPosition));
    task.run(Number.POSITIVE_INFINITY);
    return task.prepareCommit().results.get('sessions') ?? [];
  }).flat();
}

describe('a session', () => {
  test('says how it began, what was done, how it ended and who it was', async () => {
    const driver = await drive();
    await click(
      driver,
      shopEvent('PageViewed', {
        eventTime: at(0),
        path: '/sale',
        referrer: 'example.com',
        channel: 'social',
      }),
      shopEvent('SearchPerformed', { eventTime: at(1) }),
      shopEvent('RecommendationImpressed', { eventTime: at(1) }),
      shopEvent('RecommendationClicked', { eventTime: at(2) }),
      viewOf('a', at(2)),
      cartOf('a', at(3), { userId: 'user-1' }),
      cartOf('a', at(4), { quantityDelta: -1 }),
      shopEvent('PageViewed', { eventTime: at(5), path: '/help' }),
    );
    expect(sessionsOf(driver)).toEqual([
      {
        session_start: at(0),
        session_end: at(5),
        anonymous_id: 'device-1',
        day: '2026-01-01',
        user_id: 'user-1',
        client_session_id: 's-1',
        channel: 'social',
        device: 'mobile',
        referrer: 'example.com',
        entry_event: 'PageViewed',
        entry_path: '/sale',
        exit_event: 'PageViewed',
        exit_path: '/help',
        pages: 2,
        products: 1,
        searches: 1,
        cart_adds: 1,
        cart_removes: 1,
        recommendation_clicks: 1,
        checkouts: 0,
        submitted: 0,
        order_ids: [],
        is_bounce: false,
        has_purchased: false,
        product_at: at(2),
        cart_at: at(3),
        checkout_at: null,
        submitted_at: null,
        reason: 'update',
        retracted: 0,
        partition: 0,
        emitted_at: NOW,
        version: expect.any(Number) as number,
      },
    ]);
  });

  test('goes on for the gap, and the next begins just after it', async () => {
    const driver = await drive();
    const times = [0, SESSION_GAP_MS, 2 * SESSION_GAP_MS + 1];
    await click(driver, ...times.map((ms) => viewOf('a', T0 + ms)));
    expect(sessionsOf(driver).map((row) => [row['session_start'], row['products']])).toEqual([
      [T0, 2],
      [T0 + 2 * SESSION_GAP_MS + 1, 1],
    ]);
  });

  test('is told with each commit, and for good once nobody comes any more', async () => {
    const driver = await drive();
    await click(driver, viewOf('a', at(0)));
    await click(driver, viewOf('b', at(1)));
    await driver.advanceClock(SESSION_GAP_MS + 2 * MINUTE_MS);
    const told = driver.rows('sessions').map((row) => [row['reason'], row['products'], row['retracted']]);
    expect(told).toEqual([
      ['update', 1, 0],
      ['update', 2, 0],
      ['idle', 2, 0],
    ]);
  });

  test.each([{ bot: true }, { internal: true }])('%j has none', async (flag) => {
    const driver = await drive();
    await click(driver, viewOf('a', T0, flag));
    expect(driver.rows('sessions')).toEqual([]);
  });

  test('belongs to the day of its start in the shop', async () => {
    const driver = await driveTopology(sessionsOnly('America/New_York'), { startMs: NOW });
    await click(driver, viewOf('a', T0));
    expect(sessionsOf(driver)).toMatchObject([{ day: '2025-12-31' }]);
  });

  test('with one look is a bounce, whatever was shown beside it', async () => {
    const driver = await drive();
    const of = (anonymousId: string) => ({ anonymousId });
    await click(
      driver,
      viewOf('a', at(0), of('looks')),
      shopEvent('RecommendationImpressed', { eventTime: at(1), ...of('looks') }),
      viewOf('a', at(0), of('adds')),
      cartOf('a', at(1), of('adds')),
      viewOf('a', at(0), of('clicks')),
      shopEvent('RecommendationClicked', { eventTime: at(1), ...of('clicks') }),
      shopEvent('PageViewed', { eventTime: at(0), ...of('reads') }),
      shopEvent('ListViewed', { eventTime: at(1), ...of('reads') }),
    );
    const bounces = sessionsOf(driver).filter((row) => row['is_bounce'] === true);
    expect(bounces.map((row) => row['anonymous_id'])).toEqual(['looks']);
  });
});

describe('the way to an order', () => {
  const steps = async (...events: ClickstreamEvent[]) => {
    const driver = await drive();
    await click(driver, ...events);
    const [row] = sessionsOf(driver);
    const minuteOf = (column: string) =>
      row?.[column] === null ? null : (Number(row?.[column]) - T0) / MINUTE_MS;
    return [
      row?.['has_purchased'],
      ...['product_at', 'cart_at', 'checkout_at', 'submitted_at'].map(minuteOf),
    ];
  };

  test('has the first time of each step', async () => {
    expect(
      await steps(
        viewOf('a', at(0)),
        viewOf('b', at(1)),
        cartOf('a', at(2)),
        step('started', 3),
        step('started', 4),
        step('submitted', 5, 'o1'),
      ),
    ).toEqual([true, 0, 2, 3, 5]);
  });

  test('counts a step only after the one before it; a purchase is one all the same', async () => {
    expect(await steps(cartOf('a', at(0)), viewOf('a', at(1)), step('started', 2))).toEqual([
      false,
      1,
      null,
      null,
      null,
    ]);
    expect(await steps(step('started', 1), step('submitted', 2, 'o1'))).toEqual([
      true,
      null,
      null,
      null,
      null,
    ]);
  });

  test('names the orders', async () => {
    const driver = await drive();
    await click(driver, step('submitted', 2, 'o2'), step('submitted', 1, 'o1'), step('submitted', 3, 'o2'));
    expect(sessionsOf(driver)).toMatchObject([{ order_ids: ['o1', 'o2'], submitted: 3, checkouts: 0 }]);
  });
});

describe('events that come late', () => {
  test('merge two sessions: one row stays, the other is retracted', async () => {
    const driver = await drive({ outOfOrderMs: HOUR_MS });
    await click(driver, viewOf('a', at(0)), viewOf('b', at(40)));
    expect(sessionsOf(driver)).toHaveLength(2);
    await click(driver, viewOf('c', at(20)));
    expect(sessionsOf(driver)).toMatchObject([
      { session_start: at(0), session_end: at(40), products: 3, is_bounce: false },
    ]);
    const [retracted, ...others] = driver.rows('sessions').filter((row) => row['retracted'] === 1);
    expect(others).toEqual([]);
    expect(retracted).toMatchObject({ session_start: at(40), products: 1, reason: 'retraction' });
  });

  test('move the start of a session, also one that was told before a restart', async () => {
    const driver = await drive({ outOfOrderMs: HOUR_MS });
    await click(driver, viewOf('b', at(40)));
    await driver.restart();
    await click(driver, shopEvent('PageViewed', { eventTime: at(30), path: '/first' }));
    expect(sessionsOf(driver)).toMatchObject([{ session_start: at(30), entry_path: '/first', products: 1 }]);
  });

  test.each(['moves the start', 'merges two'])(
    'leave no row behind where a crash comes between a row and its transaction: one %s',
    async (what) => {
      const driver = await drive({ outOfOrderMs: HOUR_MS });
      if (what === 'merges two') await click(driver, viewOf('a', at(0)));
      append(driver, viewOf('b', at(40)));
      const lost = prepareCommit(driver);
      expect(lost).toMatchObject([{ session_start: at(40), retracted: 0 }]);
      append(driver, viewOf('c', at(20)));
      await driver.restart();
      const told = finalSessions([...lost, ...driver.rows('sessions')]);
      expect(told).toMatchObject([{ session_start: what === 'merges two' ? at(0) : at(20) }]);
      const before = driver.rows('sessions').length;
      await click(driver, viewOf('d', at(41)));
      expect(driver.rows('sessions').slice(before)).toMatchObject([{ retracted: 0 }]);
    },
  );

  test('go to the late topic once the session is closed for good', async () => {
    const driver = await drive();
    await click(driver, viewOf('a', at(0)));
    await click(driver, viewOf('b', at(61), { anonymousId: 'other' }));
    await click(driver, viewOf('c', at(1)));
    expect(driver.readEvents(`${CLICKS}.late`)).toMatchObject([{ itemId: 'c' }]);
    expect(sessionsOf(driver)).toMatchObject([{ products: 1 }, { anonymous_id: 'other' }]);
  });
});

test('what is told in the end depends neither on the order of arrival nor on crashes', async () => {
  const moment = fc.record({
    device: fc.constantFrom('d1', 'd2', 'd3'),
    minute: fc.integer({ min: 0, max: 240 }),
    what: fc.constantFrom('page', 'product', 'cart', 'started', 'submitted'),
  });
  const eventOf = ({ device, minute, what }: { device: string; minute: number; what: string }) => {
    const fields = { eventTime: at(minute), anonymousId: device };
    if (what === 'page') return shopEvent('PageViewed', { ...fields, path: `/${minute}` });
    if (what === 'product') return viewOf('a', fields.eventTime, fields);
    if (what === 'cart') return cartOf('a', fields.eventTime, fields);
    return shopEvent('CheckoutStepped', { ...fields, step: what as 'started' | 'submitted' });
  };
  const told = async (events: readonly ClickstreamEvent[], crashes: boolean) => {
    const driver = await drive({ partitions: 2, outOfOrderMs: 5 * HOUR_MS });
    const uncommitted: Rows[number][] = [];
    for (let from = 0; from < events.length; from += 4) {
      const some = events.slice(from, from + 4);
      if (!crashes || from % 12 !== 8) {
        await click(driver, ...some);
        continue;
      }
      append(driver, ...some.slice(0, 2));
      uncommitted.push(...prepareCommit(driver, 2));
      append(driver, ...some.slice(2));
      await driver.restart();
    }
    await driver.advanceClock(8 * HOUR_MS);
    const ofTheRun = new Set(['version', 'emitted_at', 'reason']);
    return finalSessions([...uncommitted, ...driver.rows('sessions')]).map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !ofTheRun.has(column))),
    );
  };
  const moments = fc
    .uniqueArray(moment, {
      selector: ({ device, minute }) => `${device} ${minute}`,
      minLength: 20,
      maxLength: 40,
    })
    .map((all) => all.map(eventOf));
  const shuffled = moments.chain((events) =>
    fc.tuple(
      fc.constant(events),
      fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(shuffled, async ([events, others]) => {
      const inOrder = [...events].sort((a, b) => a.eventTime - b.eventTime);
      expect(await told(others, true)).toEqual(await told(inOrder, false));
    }),
    { numRuns: 25 },
  );
});

test('sessions are those of a device, cut where the gap is', async () => {
  const minutes = fc.uniqueArray(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(minutes, async (all) => {
      const driver = await drive({ outOfOrderMs: 12 * HOUR_MS });
      await click(driver, ...all.map((minute) => viewOf('a', at(minute))));
      const expected: number[][] = [];
      for (const minute of [...all].sort((a, b) => a - b)) {
        const last = expected.at(-1)?.at(-1);
        if (last === undefined || minute - last > 30) expected.push([minute]);
        else expected.at(-1)?.push(minute);
      }
      expect(sessionsOf(driver).map((row) => [row['session_start'], row['products']])).toEqual(
        expected.map((session) => [at(session[0] ?? 0), session.length]),
      );
    }),
    { numRuns: 50 },
  );
});
