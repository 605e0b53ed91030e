import { expect, test } from 'vitest';
import { early, onClose, onUpdate, session, type EmitPolicy, type SessionOptions } from './index.ts';
import { members, total, WindowHarness } from './window-harness.contract.ts';

function windows(options: SessionOptions, emit: EmitPolicy = onClose()) {
  return new WindowHarness({ window: session(options), aggregator: total(), emit });
}

/** What was said, short: first and last time, value, reason. */
function said({
  emitted,
}: {
  emitted: readonly { windowStartMs: number; windowEndMs: number; value: unknown; reason: string }[];
}) {
  return emitted.map(({ windowStartMs, windowEndMs, value, reason }) => [
    windowStartMs,
    windowEndMs,
    value,
    reason,
  ]);
}

test('events that are the gap apart belong together; one more millisecond divides them', () => {
  const harness = windows({ gapMs: 10 });
  for (const [value, timeMs] of [
    [1, 100],
    [2, 110],
    [4, 121],
  ] as const)
    harness.add('a', value, timeMs);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [100, 110, 3, 'watermark'],
    [121, 121, 4, 'watermark'],
  ]);
  expect(harness.emitted[0]).toMatchObject({ key: 'a', eventTimeMs: 110 });
});

test('an event between two sessions merges them', () => {
  const harness = windows({ gapMs: 10 });
  harness.add('a', 1, 100);
  harness.add('a', 2, 120);
  harness.add('b', 8, 115);
  harness.add('a', 4, 110);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [115, 115, 8, 'watermark'],
    [100, 120, 7, 'watermark'],
  ]);
});

test('an event before a session lengthens it backwards', () => {
  const harness = windows({ gapMs: 10 });
  harness.add('a', 1, 100);
  harness.add('a', 2, 90);
  harness.add('a', 4, 79);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [79, 79, 4, 'watermark'],
    [90, 100, 3, 'watermark'],
  ]);
});

test('a session closes when the watermark reaches its end plus gap and grace', () => {
  const harness = windows({ gapMs: 10, graceMs: 5 });
  harness.add('a', 1, 100);
  harness.advance(114);
  expect(harness.isPending).toBe(true);
  harness.add('a', 2, 104);
  harness.advance(118);
  expect(harness.emitted).toEqual([]);
  harness.advance(119, 'idle');
  expect(said(harness)).toEqual([[100, 104, 3, 'idle']]);
  expect([harness.isPending, harness.entries]).toEqual([false, 0]);
});

test('a session that began out of order closes at its own time', () => {
  const harness = windows({ gapMs: 10, graceMs: 100 });
  harness.add('a', 1, 200);
  harness.add('a', 2, 150);
  harness.advance(260);
  expect(said(harness)).toEqual([[150, 150, 2, 'watermark']]);
});

test('an event is late where the session that it ends up in is over', () => {
  const harness = windows({ gapMs: 10, graceMs: 5 });
  harness.add('a', 1, 101);
  harness.advance(115);
  // Alone in the last moment; then it would be too late, but it lengthens a session that is open.
  expect(harness.add('b', 2, 100)).toEqual({ kind: 'ok' });
  expect(harness.add('c', 2, 99)).toEqual({ kind: 'late', windowStartMs: 99, windowEndMs: 99 });
  expect(harness.add('a', 2, 92)).toEqual({ kind: 'ok' });
  harness.advance(1000);
  expect(
    harness.emitted.map(({ key, windowStartMs, windowEndMs }) => [key, windowStartMs, windowEndMs]),
  ).toEqual([
    ['b', 100, 100],
    ['a', 92, 101],
  ]);
});

test('a session that was closed is not found again', () => {
  const harness = windows({ gapMs: 10, graceMs: 5 });
  harness.add('a', 1, 100);
  harness.advance(115);
  expect(harness.add('a', 2, 104)).toEqual({ kind: 'ok' });
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [100, 100, 1, 'watermark'],
    [104, 104, 2, 'watermark'],
  ]);
});

test('when bounds change, what was said is taken back with its last value before the new result', () => {
  const harness = windows({ gapMs: 10 }, onUpdate());
  harness.add('a', 1, 100);
  harness.commit();
  harness.add('a', 2, 105);
  harness.add('a', 4, 120);
  harness.commit();
  harness.add('a', 8, 103);
  harness.commit();
  harness.restart();
  harness.add('a', 16, 112);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [100, 100, 1, 'update'],
    [100, 100, 1, 'retraction'],
    [100, 105, 3, 'update'],
    [120, 120, 4, 'update'],
    [100, 105, 11, 'update'],
    [100, 105, 11, 'retraction'],
    [120, 120, 4, 'retraction'],
    [100, 120, 31, 'watermark'],
  ]);
  const [, retraction] = harness.emitted;
  expect(retraction?.eventTimeMs).toBe(105);
});

test('sessions that were never said need no retraction', () => {
  const harness = windows({ gapMs: 10 }, onUpdate());
  harness.add('a', 1, 100);
  harness.add('a', 2, 120);
  harness.add('a', 4, 110);
  harness.commit();
  expect(said(harness)).toEqual([[100, 120, 7, 'update']]);
});

test('the value of a retraction does not change with the session', () => {
  const harness = new WindowHarness({
    window: session({ gapMs: 10 }),
    aggregator: members(),
    emit: onUpdate(),
  });
  harness.add('a', 1, 100);
  harness.commit();
  harness.add('a', 2, 105);
  harness.commit();
  expect(said(harness)).toEqual([
    [100, 100, '1', 'update'],
    [100, 100, '1', 'retraction'],
    [100, 105, '1 2', 'update'],
  ]);
});

test('only sessions that have changed are said', () => {
  const harness = windows({ gapMs: 10, graceMs: 100 }, onUpdate());
  harness.add('a', 1, 100);
  harness.add('a', 2, 150);
  harness.add('a', 4, 200);
  harness.commit();
  harness.add('a', 8, 200);
  harness.add('a', 16, 100);
  harness.commit();
  expect(said(harness).slice(3)).toEqual([
    [100, 100, 17, 'update'],
    [200, 200, 12, 'update'],
  ]);
});

test('early results that a restart has cut off come after it', () => {
  const harness = windows({ gapMs: 10 }, early({ everyMs: 10 }));
  harness.add('a', 1, 15);
  harness.commit();
  harness.restart();
  harness.tick(1);
  harness.tick(10);
  expect(said(harness)).toEqual([[15, 15, 1, 'early']]);
});

test('what was said early is still known after a restart', () => {
  const harness = windows({ gapMs: 10 }, early({ everyMs: 10 }));
  harness.tick(1);
  harness.add('a', 1, 15);
  harness.commit();
  harness.tick(10);
  harness.commit();
  harness.restart();
  harness.add('a', 2, 20);
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [15, 15, 1, 'early'],
    [15, 15, 1, 'retraction'],
    [15, 20, 3, 'watermark'],
  ]);
});

test('a merge that was rolled back leaves two sessions', () => {
  const harness = windows({ gapMs: 10 });
  harness.add('a', 1, 100);
  harness.add('a', 2, 120);
  harness.rolledBack(() => harness.add('a', 4, 110));
  harness.advance(1000);
  expect(said(harness)).toEqual([
    [100, 100, 1, 'watermark'],
    [120, 120, 2, 'watermark'],
  ]);
});
