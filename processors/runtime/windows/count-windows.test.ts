import { expect, test } from 'vitest';
import { countWindow, early, onClose, onUpdate, type CountOptions, type EmitPolicy } from './index.ts';
import { members, WindowHarness } from './window-harness.contract.ts';

function windows(options: CountOptions, emit: EmitPolicy = onClose()) {
  return new WindowHarness({ window: countWindow(options), aggregator: members(), emit });
}

/** What was said, short: number of the window, value, reason. */
function said({ emitted }: Pick<ReturnType<typeof windows>, 'emitted'>) {
  return emitted.map(({ ordinal, value, reason }) => [ordinal, value, reason]);
}

function addAll(harness: ReturnType<typeof windows>, values: readonly number[]): void {
  for (const value of values) harness.add('a', value, 100 + value);
}

test('a window is said when it is full, by key and in the order of arrival', () => {
  const harness = windows({ size: 3 });
  for (const [key, value, timeMs] of [
    ['a', 1, 30],
    ['b', 2, 5],
    ['a', 3, 10],
    ['a', 4, 20],
    ['a', 5, 1],
  ] as const)
    harness.add(key, value, timeMs);
  expect(harness.emitted).toEqual([
    {
      key: 'a',
      windowStartMs: 10,
      windowEndMs: 30,
      value: '1 3 4',
      reason: 'watermark',
      eventTimeMs: 30,
      ordinal: 0,
    },
  ]);
});

test('nothing is late', () => {
  const harness = windows({ size: 1 });
  harness.advance(1_000_000);
  expect(harness.add('a', 1, 0)).toEqual({ kind: 'ok' });
});

test('windows that slide by less than their size overlap', () => {
  const harness = windows({ size: 5, slide: 2 });
  addAll(harness, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(said(harness)).toEqual([
    [0, '1 2 3 4 5', 'watermark'],
    [1, '3 4 5 6 7', 'watermark'],
    [2, '5 6 7 8 9', 'watermark'],
  ]);
});

test('a window that is not full outlives a restart', () => {
  const harness = windows({ size: 5, slide: 2 });
  addAll(harness, [1, 2, 3, 4]);
  harness.commit();
  harness.restart();
  addAll(harness, [5, 6]);
  harness.commit();
  harness.restart();
  addAll(harness, [7]);
  expect(said(harness)).toEqual([
    [0, '1 2 3 4 5', 'watermark'],
    [1, '3 4 5 6 7', 'watermark'],
  ]);
});

test('on update, the window that fills next is shown, and taken back when its bounds change', () => {
  const harness = windows({ size: 3 }, onUpdate());
  addAll(harness, [1]);
  harness.commit();
  addAll(harness, [2]);
  harness.commit();
  harness.restart();
  addAll(harness, [3]);
  harness.commit();
  addAll(harness, [4]);
  harness.commit();
  expect(said(harness)).toEqual([
    [0, '1', 'update'],
    [0, '1', 'retraction'],
    [0, '1 2', 'update'],
    [0, '1 2', 'retraction'],
    [0, '1 2 3', 'watermark'],
    [1, '4', 'update'],
  ]);
});

test('of overlapping windows, a partial one is shown once it holds something new', () => {
  const harness = windows({ size: 4, slide: 2 }, onUpdate());
  addAll(harness, [1, 2, 3, 4]);
  harness.commit();
  addAll(harness, [5]);
  harness.commit();
  expect(said(harness)).toEqual([
    [0, '1 2 3 4', 'watermark'],
    [1, '3 4 5', 'update'],
  ]);
});

test('early, partial windows are shown at each interval', () => {
  const harness = windows({ size: 3 }, early({ everyMs: 10 }));
  harness.tick(1);
  addAll(harness, [1]);
  harness.tick(10);
  harness.tick(10);
  expect(said(harness)).toEqual([[0, '1', 'early']]);
});

test('a key that is idle for long is forgotten, and what it had is said', () => {
  const harness = windows({ size: 5, slide: 2, idleMs: 50 });
  addAll(harness, [1, 2, 3, 4, 5, 6]);
  harness.commit();
  harness.restart();
  harness.advance(155);
  expect(harness.isPending).toBe(true);
  harness.advance(156, 'idle');
  expect(said(harness)).toEqual([
    [0, '1 2 3 4 5', 'watermark'],
    [1, '3 4 5 6', 'idle'],
  ]);
  expect([harness.isPending, harness.entries]).toEqual([false, 0]);
  addAll(harness, [7, 8, 9, 10, 11]);
  expect(said(harness)[2]).toEqual([0, '7 8 9 10 11', 'watermark']);
});

test('an idle key has nothing left to say when all its events were in a full window', () => {
  const harness = windows({ size: 4, slide: 2, idleMs: 50 });
  addAll(harness, [1, 2, 3, 4]);
  harness.advance(1000);
  expect(said(harness)).toEqual([[0, '1 2 3 4', 'watermark']]);
  expect(harness.entries).toBe(0);
});

test('a step that was rolled back after its window was full leaves the window as it was', () => {
  const harness = windows({ size: 3, slide: 1 });
  addAll(harness, [1, 2]);
  harness.rolledBack(() => addAll(harness, [3, 4, 5]));
  addAll(harness, [6, 7]);
  expect(said(harness)).toEqual([
    [0, '1 2 6', 'watermark'],
    [1, '2 6 7', 'watermark'],
  ]);
});

test('old slices are forgotten', () => {
  const harness = windows({ size: 4, slide: 1 });
  addAll(
    harness,
    Array.from({ length: 100 }, (_, index) => index),
  );
  expect(harness.entries).toBe(1 + 3);
});
