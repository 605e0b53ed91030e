import { expect, test } from 'vitest';
import {
  anyOf,
  daily,
  early,
  onClose,
  onUpdate,
  tumbling,
  type EmitPolicy,
  type WindowSpec,
} from './index.ts';
import { total, WindowHarness } from './window-harness.contract.ts';

function windows(window: WindowSpec, emit: EmitPolicy = onClose()) {
  return new WindowHarness({ window, aggregator: total(), emit });
}

/** What was said, short: key, start, value, reason. */
function said({ emitted }: Pick<ReturnType<typeof windows>, 'emitted'>) {
  return emitted.map(({ key, windowStartMs, value, reason }) => [key, windowStartMs, value, reason]);
}

test('a window holds [start, end): the event at its end belongs to the next', () => {
  const harness = windows(tumbling({ sizeMs: 60 }));
  harness.add('a', 1, 0);
  harness.add('a', 2, 59);
  harness.add('a', 4, 60);
  harness.advance(120);
  expect(harness.emitted).toEqual([
    { key: 'a', windowStartMs: 0, windowEndMs: 60, value: 3, reason: 'watermark', eventTimeMs: 59 },
    { key: 'a', windowStartMs: 60, windowEndMs: 120, value: 4, reason: 'watermark', eventTimeMs: 119 },
  ]);
});

test('an offset moves the windows', () => {
  const harness = windows(tumbling({ sizeMs: 60, offsetMs: 10 }));
  harness.add('a', 1, 9);
  harness.add('a', 2, 10);
  harness.advance(70);
  expect(said(harness)).toEqual([
    ['a', -50, 1, 'watermark'],
    ['a', 10, 2, 'watermark'],
  ]);
});

test('closes when the watermark reaches the end plus the grace, the oldest first, and says why', () => {
  const harness = windows(tumbling({ sizeMs: 60, graceMs: 10 }));
  harness.add('b', 1, 70);
  harness.add('b', 2, 1);
  harness.add('a', 3, 2);
  harness.advance(69);
  expect(harness.emitted).toEqual([]);
  expect(harness.isPending).toBe(true);
  harness.advance(70);
  harness.advance(1000, 'idle');
  expect(said(harness)).toEqual([
    ['b', 0, 2, 'watermark'],
    ['a', 0, 3, 'watermark'],
    ['b', 60, 1, 'idle'],
  ]);
  expect([harness.isPending, harness.entries]).toEqual([false, 0]);
});

test('takes an event up to the grace, and none after: it is late and changes nothing', () => {
  const harness = windows(tumbling({ sizeMs: 60, graceMs: 10 }));
  harness.advance(69);
  expect(harness.add('a', 1, 59)).toEqual({ kind: 'ok' });
  harness.advance(70);
  expect(harness.add('a', 2, 59)).toEqual({ kind: 'late', windowStartMs: 0, windowEndMs: 60 });
  expect(harness.add('c', 2, 0).kind).toBe('late');
  expect(harness.add('a', 4, 60).kind).toBe('ok');
  harness.commit();
  expect(said(harness)).toEqual([['a', 0, 1, 'watermark']]);
});

test('on update, each changed window is said once for each commit, with its absolute value', () => {
  const harness = windows(tumbling({ sizeMs: 60 }), onUpdate());
  harness.add('a', 1, 1);
  harness.add('b', 2, 1);
  harness.add('a', 4, 2);
  expect(harness.emitted).toEqual([]);
  harness.commit();
  harness.add('a', 8, 3);
  harness.commit();
  harness.commit();
  harness.add('a', 16, 3);
  harness.advance(60);
  harness.commit();
  expect(said(harness)).toEqual([
    ['a', 0, 5, 'update'],
    ['b', 0, 2, 'update'],
    ['a', 0, 13, 'update'],
    ['a', 0, 29, 'watermark'],
    ['b', 0, 2, 'watermark'],
  ]);
});

test('early, what changed is said at each interval, and at the close again', () => {
  const harness = windows(tumbling({ sizeMs: 60 }), early({ everyMs: 10 }));
  harness.tick(1);
  harness.add('a', 1, 1);
  harness.commit();
  harness.tick(9);
  expect(harness.emitted).toEqual([]);
  harness.tick(1);
  harness.tick(10);
  harness.add('a', 2, 1);
  harness.tick(10);
  harness.advance(60);
  expect(said(harness)).toEqual([
    ['a', 0, 1, 'early'],
    ['a', 0, 3, 'early'],
    ['a', 0, 3, 'watermark'],
  ]);
});

test('on update and early together, nothing is said twice', () => {
  const harness = windows(tumbling({ sizeMs: 60 }), anyOf(onUpdate(), early({ everyMs: 10 })));
  harness.tick(1);
  harness.add('a', 1, 1);
  harness.tick(10);
  harness.commit();
  harness.add('a', 2, 1);
  harness.commit();
  harness.tick(10);
  expect(said(harness)).toEqual([
    ['a', 0, 1, 'early'],
    ['a', 0, 3, 'update'],
  ]);
});

test('early results that a restart has cut off come after it', () => {
  const harness = windows(tumbling({ sizeMs: 60 }), early({ everyMs: 10 }));
  harness.add('a', 1, 1);
  harness.commit();
  harness.restart();
  harness.tick(1);
  harness.tick(10);
  expect(said(harness)).toEqual([['a', 0, 1, 'early']]);
});

test('a late event corrects what was closed, as long as that is kept', () => {
  const harness = windows(tumbling({ sizeMs: 60, graceMs: 10, correctionsMs: 100 }));
  harness.add('a', 1, 1);
  harness.advance(70);
  expect(harness.isPending).toBe(false);
  const corrected = { kind: 'late', windowStartMs: 0, windowEndMs: 60, corrected: true };
  expect(harness.add('a', 2, 1)).toEqual(corrected);
  expect(harness.add('a', 4, 2)).toEqual(corrected);
  expect(harness.add('b', 8, 3)).toEqual(corrected);
  harness.commit();
  harness.commit();
  harness.restart();
  harness.advance(169);
  expect(harness.add('a', 16, 3)).toEqual(corrected);
  harness.advance(170);
  expect(harness.add('a', 32, 3)).toEqual({ kind: 'late', windowStartMs: 0, windowEndMs: 60 });
  harness.commit();
  expect(said(harness)).toEqual([
    ['a', 0, 1, 'watermark'],
    ['a', 0, 7, 'correction'],
    ['b', 0, 8, 'correction'],
    ['a', 0, 23, 'correction'],
  ]);
  expect(harness.entries).toBe(0);
});

test('what is kept for corrections is not said early after a restart', () => {
  const harness = windows(tumbling({ sizeMs: 60, correctionsMs: 100 }), early({ everyMs: 10 }));
  harness.add('a', 1, 1);
  harness.advance(60);
  harness.commit();
  harness.restart();
  harness.tick(1);
  harness.tick(10);
  expect(said(harness)).toEqual([['a', 0, 1, 'watermark']]);
});

test('what a rolled-back step began is not said', () => {
  const harness = windows(tumbling({ sizeMs: 60, correctionsMs: 60 }), onUpdate());
  harness.add('a', 1, 1);
  harness.rolledBack(() => {
    harness.add('a', 2, 1);
    harness.add('b', 2, 1);
  });
  harness.commit();
  harness.advance(60);
  harness.rolledBack(() => harness.add('c', 4, 1));
  harness.commit();
  expect(said(harness)).toEqual([
    ['a', 0, 1, 'update'],
    ['a', 0, 1, 'watermark'],
  ]);
});

test('with a shorter grace after a restart, windows that were open are still closed, and closed ones stay so', () => {
  const harness = windows(tumbling({ sizeMs: 60, graceMs: 200, correctionsMs: 500 }));
  harness.add('a', 1, 1);
  harness.add('a', 2, 61);
  harness.advance(260);
  harness.commit();
  harness.restart({ window: tumbling({ sizeMs: 60, graceMs: 10, correctionsMs: 500 }) });
  expect(said(harness)).toEqual([['a', 0, 1, 'watermark']]);
  expect(harness.isPending).toBe(true);
  harness.advance(261);
  expect(said(harness).slice(1)).toEqual([['a', 60, 2, 'watermark']]);
});

test('with a longer grace after a restart, closed windows do not open again', () => {
  const harness = windows(tumbling({ sizeMs: 60, correctionsMs: 500 }));
  harness.add('a', 1, 1);
  harness.advance(60);
  harness.commit();
  harness.restart({ window: tumbling({ sizeMs: 60, graceMs: 100, correctionsMs: 500 }) });
  expect(harness.add('a', 2, 1)).toMatchObject({ kind: 'late', corrected: true });
  harness.advance(1000);
  expect(said(harness)).toEqual([
    ['a', 0, 1, 'watermark'],
    ['a', 0, 3, 'correction'],
  ]);
});

test('a key may hold anything', () => {
  const harness = windows(tumbling({ sizeMs: 60 }));
  for (const key of ['', '|', '5|a', '-1']) harness.add(key, 1, 1);
  harness.commit();
  harness.restart();
  harness.advance(60);
  expect(harness.emitted.map(({ key }) => key)).toEqual(['', '|', '5|a', '-1']);
});

test('calendar days close at midnight of their zone plus the grace', () => {
  const hourMs = 3_600_000;
  const harness = windows(daily({ timeZone: 'Europe/Berlin', graceMs: hourMs }));
  const startMs = Date.parse('2025-03-29T23:00:00Z');
  harness.add('a', 1, startMs - 1);
  harness.add('a', 2, startMs);
  harness.add('a', 4, startMs + 23 * hourMs - 1);
  harness.add('a', 8, startMs + 23 * hourMs);
  harness.advance(startMs + 24 * hourMs - 1);
  expect(said(harness)).toEqual([['a', startMs - 24 * hourMs, 1, 'watermark']]);
  harness.advance(startMs + 24 * hourMs);
  expect(harness.emitted[1]).toEqual({
    key: 'a',
    windowStartMs: startMs,
    windowEndMs: startMs + 23 * hourMs,
    value: 6,
    reason: 'watermark',
    eventTimeMs: startMs + 23 * hourMs - 1,
  });
});
