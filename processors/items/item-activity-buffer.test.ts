import { expect, test } from 'vitest';
import { ItemActivityBuffer } from './item-activity-buffer.ts';

const T0 = 1_767_225_600_000;
const MINUTE_MS = 60_000;

const seen = (...items: readonly (readonly [string, number])[]) =>
  items.map(([itemId, minutesAgo]) => ({ itemId, atMs: T0 - minutesAgo * MINUTE_MS }));

test('pairs a view with the five items before it, in both directions, with a weight that falls with the rank', () => {
  const buffer = new ItemActivityBuffer();
  buffer.viewed('x', T0, seen(['a', 1], ['b', 2], ['c', 3], ['d', 4], ['e', 5], ['f', 6]));
  const totals = buffer.take();
  expect([...(totals.get('x')?.neighbours ?? [])]).toEqual([
    ['a', 1],
    ['b', 1 / 2],
    ['c', 1 / 3],
    ['d', 1 / 4],
    ['e', 1 / 5],
  ]);
  expect([...(totals.get('b')?.neighbours ?? [])]).toEqual([['x', 1 / 2]]);
  expect(totals.get('b')).toMatchObject({ views: 0, latestEventTimeMs: T0 });
  expect(totals.has('f')).toBe(false);
});

test('an item is no neighbour of itself, and does not use up a place', () => {
  const buffer = new ItemActivityBuffer();
  buffer.viewed('x', T0, seen(['x', 1], ['a', 2]));
  expect([...(buffer.take().get('x')?.neighbours ?? [])]).toEqual([['a', 1]]);
});

test('views more than half an hour apart do not belong together', () => {
  const buffer = new ItemActivityBuffer();
  buffer.viewed('x', T0, seen(['a', 30], ['b', 31]));
  expect([...(buffer.take().get('x')?.neighbours.keys() ?? [])]).toEqual(['a']);
});

test('coalesces by item until it is taken', () => {
  const buffer = new ItemActivityBuffer();
  buffer.viewed('x', T0, []);
  buffer.viewed('x', T0 + 5, []);
  buffer.carted('x', T0 + 1);
  buffer.bought('x', 3, T0 + 2);
  expect(buffer.take().get('x')).toMatchObject({
    views: 2,
    carts: 1,
    purchases: 3,
    latestEventTimeMs: T0 + 5,
  });
  expect(buffer.take().size).toBe(0);
});
