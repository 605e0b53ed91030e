import { expect, test } from 'vitest';
import type { Aggregator } from '../aggregates/aggregator.ts';
import { early, hopping, onClose, onUpdate, type EmitPolicy, type HoppingOptions } from './index.ts';
import { total, WindowHarness } from './window-harness.contract.ts';

function windows(options: HoppingOptions, emit: EmitPolicy = onClose(), aggregator = total()) {
  return new WindowHarness({ window: hopping(options), aggregator, emit });
}

/** What was said, short: start, value, reason. */
function said({ emitted }: Pick<ReturnType<typeof windows>, 'emitted'>) {
  return emitted.map(({ windowStartMs, value, reason }) => [windowStartMs, value, reason]);
}

test('an event is in every window around it, those that began before it too, and none starts before 0', () => {
  const harness = windows({ sizeMs: 30, slideMs: 10 });
  harness.add('a', 1, 5);
  harness.add('a', 2, 25);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [0, 3, 'watermark'],
    [10, 2, 'watermark'],
    [20, 2, 'watermark'],
  ]);
  expect(harness.emitted[0]).toEqual({
    key: 'a',
    windowStartMs: 0,
    windowEndMs: 30,
    value: 3,
    reason: 'watermark',
    eventTimeMs: 29,
  });
});

test('the first window of an event is the first whose end lies behind it', () => {
  const harness = windows({ sizeMs: 30, slideMs: 10 });
  harness.add('a', 1, 100);
  harness.advance(1000);
  expect(said(harness).map(([startMs]) => startMs)).toEqual([80, 90, 100]);
});

test('sizes that are no multiple of the slide, and offsets', () => {
  const harness = windows({ sizeMs: 25, slideMs: 10, offsetMs: 3 });
  for (const [value, timeMs] of [
    [1, 40],
    [2, 47],
    [4, 48],
    [8, 57],
    [16, 58],
  ] as const)
    harness.add('a', value, timeMs);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [23, 3, 'watermark'],
    [33, 15, 'watermark'],
    [43, 30, 'watermark'],
    [53, 24, 'watermark'],
  ]);
});

test('windows of all keys close by their end, those without an event are left out', () => {
  const harness = windows({ sizeMs: 20, slideMs: 10, graceMs: 5 });
  harness.add('b', 1, 35);
  harness.add('a', 2, 15);
  harness.add('a', 4, 95);
  harness.advance(44);
  expect(harness.emitted.map(({ key, windowStartMs }) => [key, windowStartMs])).toEqual([
    ['a', 0],
    ['a', 10],
  ]);
  harness.advance(45);
  harness.advance(2_000_000_000_000, 'idle');
  expect(
    harness.emitted.slice(2).map(({ key, windowStartMs, reason }) => [key, windowStartMs, reason]),
  ).toEqual([
    ['b', 20, 'watermark'],
    ['b', 30, 'idle'],
    ['a', 80, 'idle'],
    ['a', 90, 'idle'],
  ]);
  expect([harness.isPending, harness.entries]).toEqual([false, 0]);
});

test('what comes when some windows have closed counts in the others; what comes after all is late', () => {
  const harness = windows({ sizeMs: 30, slideMs: 10 });
  harness.add('a', 1, 25);
  harness.advance(40);
  expect(harness.add('a', 2, 25)).toEqual({ kind: 'ok' });
  expect(harness.add('b', 4, 29)).toEqual({ kind: 'ok' });
  expect(harness.add('a', 8, 19)).toEqual({ kind: 'late', windowStartMs: 10, windowEndMs: 40 });
  harness.advance(1000);
  expect(harness.emitted.map(({ key, windowStartMs, value }) => [key, windowStartMs, value])).toEqual([
    ['a', 0, 1],
    ['a', 10, 1],
    ['a', 20, 3],
    ['b', 20, 4],
  ]);
});

test('what comes late for a slice in the middle of closed windows counts in the open ones', () => {
  const harness = windows({ sizeMs: 12, slideMs: 4 });
  for (const timeMs of [1, 5, 9, 13, 17]) harness.add('a', 1, timeMs);
  harness.advance(20);
  harness.add('a', 10, 19);
  harness.advance(1000);
  expect(said(harness).map(([startMs, value]) => [startMs, value])).toEqual([
    [0, 3],
    [4, 3],
    [8, 3],
    [12, 12],
    [16, 11],
  ]);
});

test('on update, every open window of a changed slice is said once for each commit', () => {
  const harness = windows({ sizeMs: 30, slideMs: 10 }, onUpdate());
  harness.add('a', 1, 25);
  harness.add('a', 2, 26);
  harness.add('a', 4, 35);
  harness.advance(30);
  harness.commit();
  harness.commit();
  expect(said(harness)).toEqual([
    [0, 3, 'watermark'],
    [10, 7, 'update'],
    [20, 7, 'update'],
    [30, 4, 'update'],
  ]);
});

test('early results that a restart has cut off come after it', () => {
  const harness = windows({ sizeMs: 20, slideMs: 10 }, early({ everyMs: 10 }));
  harness.add('a', 1, 15);
  harness.commit();
  harness.restart();
  harness.tick(1);
  harness.tick(10);
  expect(said(harness)).toEqual([
    [0, 1, 'early'],
    [10, 1, 'early'],
  ]);
});

test('a late event corrects every closed window that is kept, and counts in the open ones', () => {
  const harness = windows({ sizeMs: 30, slideMs: 10, correctionsMs: 15 });
  harness.add('a', 1, 25);
  harness.advance(40);
  expect(harness.add('a', 2, 25)).toEqual({ kind: 'ok' });
  harness.commit();
  harness.advance(50);
  expect(harness.add('a', 4, 25)).toEqual({
    kind: 'late',
    windowStartMs: 20,
    windowEndMs: 50,
    corrected: true,
  });
  harness.commit();
  harness.advance(65);
  expect(harness.add('a', 8, 25)).toEqual({ kind: 'late', windowStartMs: 20, windowEndMs: 50 });
  expect(said(harness)).toEqual([
    [0, 1, 'watermark'],
    [10, 1, 'watermark'],
    [0, 3, 'correction'],
    [10, 3, 'correction'],
    [20, 3, 'watermark'],
    [10, 7, 'correction'],
    [20, 7, 'correction'],
  ]);
  expect(harness.entries).toBe(0);
});

test('a correction that is not yet said when its window is forgotten is said then', () => {
  const harness = windows({ sizeMs: 20, slideMs: 10, correctionsMs: 10 });
  harness.advance(35);
  expect(harness.add('a', 1, 25)).toEqual({ kind: 'ok' });
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [20, 1, 'watermark'],
    [10, 1, 'correction'],
  ]);
});

test('with a shorter grace after a restart, every window is still closed once', () => {
  const harness = windows({ sizeMs: 30, slideMs: 10, graceMs: 100 });
  harness.add('a', 1, 25);
  harness.advance(135);
  harness.commit();
  harness.restart({ window: hopping({ sizeMs: 30, slideMs: 10, graceMs: 10 }) });
  harness.advance(136);
  expect(said(harness).map(([startMs]) => startMs)).toEqual([0, 10, 20]);
});

test('closing a window costs a few merges, whatever the number of its slices', () => {
  let merges = 0;
  const counting: Aggregator<number, number, number> = {
    ...total(),
    merge: (into, other) => {
      merges += 1;
      return into + other;
    },
  };
  const costOf = (slices: number, remainderMs: number) => {
    const harness = windows({ sizeMs: slices * 10 + remainderMs, slideMs: 10 }, onClose(), counting);
    merges = 0;
    for (let timeMs = 0; timeMs < 20_000; timeMs += 2) {
      harness.add('a', 1, timeMs);
      harness.advance(timeMs);
    }
    return merges / harness.emitted.length;
  };
  for (const slices of [2, 10, 100, 500]) expect(costOf(slices, 0)).toBeLessThan(7);
  // Two slices for each slide.
  for (const slices of [2, 10, 100, 500]) expect(costOf(slices, 3)).toBeLessThan(11);
});

test('a long time between events of a key is not walked through', () => {
  const harness = windows({ sizeMs: 20, slideMs: 10, graceMs: 1_000_000_000_000 });
  harness.add('a', 1, 15);
  harness.add('a', 2, 1_000_000_000_005);
  harness.advance(3_000_000_000_000);
  expect(said(harness).map(([startMs]) => startMs)).toEqual([0, 10, 999_999_999_990, 1_000_000_000_000]);
});

test('an event changes one entry of the state, whatever the number of its windows', () => {
  const harness = windows({ sizeMs: 10_000, slideMs: 10 });
  harness.add('a', 1, 5000);
  expect(harness.entries).toBe(1);
});
