/**
 * # 9. Joins of streams
 *
 * Two streams meet where equal keys come within a time of each other: a left at t meets the rights from t − `beforeMs` to
 * t + `afterMs`. That is Flink's interval join, and Kafka Streams' `JoinWindows`. Each pair is said once, when the second
 * of the two comes, whatever their order.
 *
 * `left` and `outer` joins also say what has met nothing, once its interval is over, and then for good: nothing is said
 * alone and joined afterwards.
 */
import { describe, expect, test } from 'vitest';
import { json } from '../../processors/runtime/codec.ts';
import { topology, toTopic } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import { at } from './times-of-day.ts';

interface Shown {
  readonly ad: string;
  readonly time: number;
}
interface Clicked {
  readonly place: string;
  readonly time: number;
}

const shown = json<Shown>();
const clicked = json<Clicked>();
const timeOf = ({ time }: { readonly time: number }) => time;

/** Which ads were clicked within 30 seconds; both topics are keyed by visitor. */
async function clicksOfAds(kind: 'inner' | 'left' | 'outer', graceMs = 0) {
  const app = topology('ads');
  const ads = app.stream('shown', { codec: shown, eventTimeOf: timeOf });
  const clicks = app.stream('clicked', { codec: clicked, eventTimeOf: timeOf });
  const bounds = { name: 'clicks-of-ads', beforeMs: 0, afterMs: 30_000, graceMs } as const;
  // The types follow the kind: with `left`, the click may be missing; with `outer`, either side.
  const joined = {
    inner: () => ads.join(clicks, { ...bounds, with: (ad, click) => `${ad.ad} clicked ${click.place}` }),
    left: () =>
      ads.join(clicks, {
        ...bounds,
        kind: 'left',
        with: (ad, click) => `${ad.ad} ${click?.place ?? 'ignored'}`,
      }),
    outer: () =>
      ads.join(clicks, {
        ...bounds,
        kind: 'outer',
        with: (ad, click) => `${ad?.ad ?? 'no ad'} ${click?.place ?? 'ignored'}`,
      }),
  }[kind]();
  joined.to(toTopic('out'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  return {
    driver,
    show: (ad: string, time: string) =>
      driver.send('shown', { ad, time: at(time) }, { key: 'ann', codec: shown }),
    click: (place: string, time: string) =>
      driver.send('clicked', { place, time: at(time) }, { key: 'ann', codec: clicked }),
    said: () => driver.read('out', json<string>()).map(({ value }) => value),
  };
}

describe('an inner join', () => {
  test('says each pair whose times are within the bounds, both included', async () => {
    const { show, click, said } = await clicksOfAds('inner');
    await show('A', '10:00:00');
    await show('B', '10:00:20');
    await click('top', '10:00:30');
    expect(said()).toEqual(['A clicked top', 'B clicked top']);
    await click('side', '10:00:31');
    expect(said()).toEqual(['B clicked side']);
  });

  test('does not care which side comes first', async () => {
    const { show, click, said } = await clicksOfAds('inner');
    await click('top', '10:00:10');
    await show('A', '10:00:05');
    // Before the ad was shown: no pair.
    await show('B', '10:00:15');
    expect(said()).toEqual(['A clicked top']);
  });
});

describe('a left join', () => {
  test('says a left alone when nothing can come for it any more', async () => {
    const { driver, show, click, said } = await clicksOfAds('left');
    await show('A', '10:00:00');
    await show('B', '10:00:20');
    await click('top', '10:00:31');
    // The watermark is that of the slower side, 10:00:20: A may still be clicked.
    expect(said()).toEqual(['B top']);
    await show('C', '10:00:31');
    expect(said()).toEqual(['C top', 'A ignored']);
    // On silent topics the clock ends the wait.
    await show('D', '10:02:00');
    await driver.advanceClock(60_000);
    expect(said()).toEqual(['D ignored']);
  });

  test('loses no left: one that comes too late to be joined is said alone, and is in the late topic', async () => {
    const { driver, show, click, said } = await clicksOfAds('left');
    await show('A', '10:05:00');
    await click('top', '10:05:10');
    said();
    await show('B', '10:04:00');
    expect(said()).toEqual(['B ignored']);
    expect(
      driver.read('shown.late', shown).map(({ value, headers }) => [value?.ad, headers['mr-corrected']]),
    ).toEqual([['B', 'true']]);
  });

  test('with a grace waits longer for what is late', async () => {
    const { show, click, said } = await clicksOfAds('left', 60_000);
    await show('A', '10:00:00');
    await show('B', '10:01:00');
    await click('end', '10:01:00');
    expect(said()).toEqual(['B end']);
    // A click of 10:00:15 that comes a minute behind.
    await click('top', '10:00:15');
    expect(said()).toEqual(['A top']);
  });
});

test('an outer join says the lone ones of both sides', async () => {
  const { driver, show, click, said } = await clicksOfAds('outer');
  await click('top', '10:00:00');
  await show('A', '10:00:05');
  await show('B', '10:03:00');
  await click('side', '10:03:10');
  await driver.advanceClock(120_000);
  const [pair, ...lone] = said();
  expect(pair).toBe('B side');
  expect(lone.sort()).toEqual(['A ignored', 'no ad top']);
});

test('a stream may be joined with itself', async () => {
  const app = topology('payments');
  const timed = { codec: json<number>(), eventTimeOf: (time: number) => time };
  const payments = app.stream('payments', timed);
  // Payments with one card within ten seconds of each other, each pair once: the right one is the later.
  payments
    .join(payments, {
      name: 'bursts',
      beforeMs: -1,
      afterMs: 10_000,
      with: (first, second) => (second - first) / 1000,
    })
    .to(toTopic('seconds'));
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  for (const time of ['10:00:00', '10:00:04', '10:00:30'])
    await driver.send('payments', at(time), { key: 'card', codec: timed.codec });
  // With `beforeMs: -1` a right comes at least a millisecond after its left, so that no value meets itself.
  expect(driver.read('seconds', json()).map(({ value }) => value)).toEqual([4]);
});

test('a negative bound demands a distance', async () => {
  // Deliveries at least an hour after the order, and at most three.
  const app = topology('parcels');
  const timed = { codec: json<number>(), eventTimeOf: (time: number) => time };
  app
    .stream('ordered', timed)
    .join(app.stream('delivered', timed), {
      name: 'slow-deliveries',
      beforeMs: -3_600_000,
      afterMs: 3 * 3_600_000,
      with: (ordered, delivered) => (delivered - ordered) / 3_600_000,
    })
    .to(toTopic('hours'));
  const driver = await driveTopology(app.build(), { startMs: at('18:00:00') });
  await driver.send('ordered', at('10:00:00'), { key: 'parcel', codec: timed.codec });
  for (const time of ['10:30:00', '11:00:00', '12:00:00', '13:00:01'])
    await driver.send('delivered', at(time), { key: 'parcel', codec: timed.codec });
  expect(driver.read('hours', json()).map(({ value }) => value)).toEqual([1, 2]);
});
