import { expect, test } from 'vitest';
import { countWindow, daily, hopping, session, sliding, tumbling } from './window-spec.ts';

test('a specification is a value with all its settings', () => {
  expect(tumbling({ sizeMs: 60 })).toEqual({
    kind: 'tumbling',
    sizeMs: 60,
    offsetMs: 0,
    graceMs: 0,
    correctionsMs: 0,
    layout: 'tumbling(60)',
    holdMs: 0,
  });
  expect(Object.isFrozen(session({ gapMs: 1 }))).toBe(true);
});

test('the layout says what stored state depends on, and no more', () => {
  expect(tumbling({ sizeMs: 60, offsetMs: 5, graceMs: 7, correctionsMs: 9 }).layout).toBe(
    'tumbling(60,offset=5)',
  );
  expect(daily({ timeZone: 'Europe/Berlin', graceMs: 1 }).layout).toBe('daily(Europe/Berlin)');
  expect(hopping({ sizeMs: 60, slideMs: 10 }).layout).toBe('hopping(60,10)');
  expect(hopping({ sizeMs: 60, slideMs: 10, offsetMs: 3 }).layout).toBe('hopping(60,10,offset=3)');
  expect(sliding({ sizeMs: 60, graceMs: 5 }).layout).toBe('sliding(60)');
  expect(session({ gapMs: 30 }).layout).toBe('session(30)');
  expect(countWindow({ size: 10 }).layout).toBe('count(10)');
  expect(countWindow({ size: 10, slide: 3, idleMs: 1 }).layout).toBe('count(10,3)');
});

test('results may be behind the watermark by what windows wait', () => {
  expect(tumbling({ sizeMs: 60, graceMs: 7, correctionsMs: 100 }).holdMs).toBe(107);
  expect(daily({ timeZone: 'UTC', graceMs: 7, correctionsMs: 100 }).holdMs).toBe(107);
  expect(hopping({ sizeMs: 60, slideMs: 10, graceMs: 7, correctionsMs: 100 }).holdMs).toBe(107);
  expect(sliding({ sizeMs: 60, graceMs: 7 }).holdMs).toBe(7);
  expect(session({ gapMs: 30, graceMs: 7 }).holdMs).toBe(37);
  expect(countWindow({ size: 10 }).holdMs).toBe(0);
});

test.each([
  ['tumbling: sizeMs must be a whole number of at least 1, not 0', () => tumbling({ sizeMs: 0 })],
  ['tumbling: sizeMs must be a whole number of at least 1, not 1.5', () => tumbling({ sizeMs: 1.5 })],
  [
    'tumbling: offsetMs must be a whole number from 0 to 9, not 10',
    () => tumbling({ sizeMs: 10, offsetMs: 10 }),
  ],
  [
    'tumbling: graceMs must be a whole number of at least 0, not -1',
    () => tumbling({ sizeMs: 10, graceMs: -1 }),
  ],
  [
    'tumbling: correctionsMs must be a whole number of at least 0, not Infinity',
    () => tumbling({ sizeMs: 10, correctionsMs: Number.POSITIVE_INFINITY }),
  ],
  ['daily: timeZone must be an IANA name such as Europe/Berlin, not Mars', () => daily({ timeZone: 'Mars' })],
  [
    'daily: graceMs must be a whole number of at least 0, not -1',
    () => daily({ timeZone: 'UTC', graceMs: -1 }),
  ],
  [
    'hopping: sizeMs must be a whole number of at least 1, not NaN',
    () => hopping({ sizeMs: Number.NaN, slideMs: 1 }),
  ],
  [
    'hopping: slideMs must be a whole number from 1 to 10, not 11',
    () => hopping({ sizeMs: 10, slideMs: 11 }),
  ],
  [
    'hopping: offsetMs must be a whole number from 0 to 4, not 5',
    () => hopping({ sizeMs: 10, slideMs: 5, offsetMs: 5 }),
  ],
  ['sliding: sizeMs must be a whole number of at least 0, not -1', () => sliding({ sizeMs: -1 })],
  ['session: gapMs must be a whole number of at least 1, not 0', () => session({ gapMs: 0 })],
  ['session: graceMs must be a whole number of at least 0, not -1', () => session({ gapMs: 1, graceMs: -1 })],
  ['countWindow: size must be a whole number of at least 1, not 0', () => countWindow({ size: 0 })],
  ['countWindow: slide must be a whole number from 1 to 3, not 4', () => countWindow({ size: 3, slide: 4 })],
  [
    'countWindow: idleMs must be a whole number of at least 1, not 0',
    () => countWindow({ size: 3, idleMs: 0 }),
  ],
])('%s', (message, make) => {
  expect(make).toThrow(new RangeError(message));
});
