import { expect, test } from 'vitest';
import { early, onClose, onUpdate, sliding, type EmitPolicy, type SlidingOptions } from './index.ts';
import { total, WindowHarness } from './window-harness.contract.ts';

function windows(options: SlidingOptions, emit: EmitPolicy = onClose(), aggregator = total()) {
  return new WindowHarness({ window: sliding(options), aggregator, emit });
}

/** What was said, short: time, value, reason. */
function said({ emitted }: Pick<ReturnType<typeof windows>, 'emitted'>) {
  return emitted.map(({ windowEndMs, value, reason }) => [windowEndMs, value, reason]);
}

test('each moment has the aggregate over [t - size, t], both ends included', () => {
  const harness = windows({ sizeMs: 10 });
  for (const [value, timeMs] of [
    [1, 100],
    [2, 110],
    [4, 111],
    [8, 111],
    [16, 130],
  ] as const)
    harness.add('a', value, timeMs);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [100, 1, 'watermark'],
    [110, 3, 'watermark'],
    [111, 14, 'watermark'],
    [130, 16, 'watermark'],
  ]);
  expect(harness.emitted[1]).toEqual({
    key: 'a',
    windowStartMs: 100,
    windowEndMs: 110,
    value: 3,
    reason: 'watermark',
    eventTimeMs: 110,
  });
});

test('no window starts before 0', () => {
  const harness = windows({ sizeMs: 10 });
  harness.add('a', 1, 3);
  harness.advance(10);
  expect(harness.emitted[0]).toMatchObject({ windowStartMs: 0, windowEndMs: 3 });
});

test('a result is final when the watermark reaches t + 1 + grace', () => {
  const harness = windows({ sizeMs: 10, graceMs: 5 });
  harness.add('b', 1, 101);
  harness.add('a', 2, 100);
  harness.advance(105);
  expect(harness.emitted).toEqual([]);
  expect(harness.isPending).toBe(true);
  harness.advance(106);
  expect(said(harness)).toEqual([[100, 2, 'watermark']]);
  harness.advance(107, 'idle');
  expect(said(harness)[1]).toEqual([101, 1, 'idle']);
  expect(harness.isPending).toBe(false);
});

test('an event out of order counts in the later results within the size', () => {
  const harness = windows({ sizeMs: 10, graceMs: 50 });
  harness.add('a', 1, 100);
  harness.add('a', 2, 108);
  harness.add('a', 4, 112);
  harness.add('a', 8, 101);
  harness.advance(1000);
  expect(said(harness).map(([, value]) => value)).toEqual([1, 9, 11, 6]);
});

test('an event without a result of its own counts in later ones; in none, it is late', () => {
  const harness = windows({ sizeMs: 10, graceMs: 5 });
  harness.add('a', 1, 100);
  harness.add('a', 2, 110);
  harness.advance(110);
  expect(harness.add('a', 4, 103)).toEqual({ kind: 'ok' });
  harness.advance(116);
  expect(harness.add('a', 8, 100)).toEqual({ kind: 'late', windowStartMs: 90, windowEndMs: 100 });
  expect(harness.add('b', 16, 101)).toEqual({ kind: 'ok' });
  expect(harness.add('b', 32, 111)).toEqual({ kind: 'ok' });
  harness.advance(1000);
  expect(harness.emitted.map(({ key, windowEndMs, value }) => [key, windowEndMs, value])).toEqual([
    ['a', 100, 1],
    ['a', 110, 7],
    ['b', 111, 48],
  ]);
  expect(harness.entries).toBe(0);
});

test('a result that a closed moment belongs to counts what came late for that moment', () => {
  const harness = windows({ sizeMs: 10 });
  harness.add('a', 1, 100);
  harness.add('a', 2, 105);
  harness.advance(104);
  expect(harness.add('a', 4, 100)).toEqual({ kind: 'ok' });
  expect(harness.add('a', 8, 99)).toEqual({ kind: 'ok' });
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [100, 1, 'watermark'],
    [105, 15, 'watermark'],
  ]);
});

test('events of a closed moment are kept as long as a result to come needs them', () => {
  const harness = windows({ sizeMs: 10 });
  harness.add('a', 1, 100);
  harness.advance(110);
  expect(harness.entries).toBe(1);
  harness.commit();
  harness.restart();
  harness.add('a', 2, 110);
  harness.advance(111);
  expect(said(harness)).toEqual([
    [100, 1, 'watermark'],
    [110, 3, 'watermark'],
  ]);
  expect(harness.entries).toBe(1);
  harness.advance(121);
  expect(harness.entries).toBe(0);
});

test('on update, an event out of order updates the later results too', () => {
  const harness = windows({ sizeMs: 10, graceMs: 50 }, onUpdate());
  harness.add('a', 1, 100);
  harness.add('a', 2, 105);
  harness.add('a', 4, 120);
  harness.commit();
  harness.add('a', 8, 103);
  harness.commit();
  harness.commit();
  expect(said(harness)).toEqual([
    [100, 1, 'update'],
    [105, 3, 'update'],
    [120, 4, 'update'],
    [103, 9, 'update'],
    [105, 11, 'update'],
  ]);
});

test('early results that a restart has cut off come after it', () => {
  const harness = windows({ sizeMs: 20 }, early({ everyMs: 10 }));
  harness.add('a', 1, 15);
  harness.commit();
  harness.restart();
  harness.tick(1);
  harness.tick(10);
  expect(said(harness)).toEqual([[15, 1, 'early']]);
});

test('a moment whose only event was rolled back has no result', () => {
  const harness = windows({ sizeMs: 20 }, onUpdate());
  harness.add('a', 1, 10);
  harness.rolledBack(() => harness.add('a', 2, 15));
  harness.commit();
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [10, 1, 'update'],
    [10, 1, 'watermark'],
  ]);
});

test.each([
  ['on close', onClose()],
  ['on update', onUpdate()],
])('%s, a result costs a few merges, whatever the size, while events are in order', (_, emit) => {
  let merges = 0;
  const counting = {
    ...total(),
    merge: (into: number, other: number) => {
      merges += 1;
      return into + other;
    },
  };
  const costOf = (sizeMs: number) => {
    const harness = windows({ sizeMs }, emit, counting);
    merges = 0;
    for (let timeMs = 0; timeMs < 10_000; timeMs++) {
      harness.add('a', 1, timeMs);
      harness.advance(timeMs);
      if (timeMs % 10 === 9) harness.commit();
    }
    return merges / harness.emitted.length;
  };
  for (const sizeMs of [0, 5, 50, 1000]) expect(costOf(sizeMs)).toBeLessThan(7);
});
