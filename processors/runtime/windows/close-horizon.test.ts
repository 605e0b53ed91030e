import { expect, test } from 'vitest';
import { CloseHorizon } from './close-horizon.ts';

test('follows the watermark behind the grace and never goes back', () => {
  const horizon = new CloseHorizon(new Map<string, number>(), 10);
  expect(horizon.advance(50)).toBe(40);
  expect(horizon.advance(45)).toBe(40);
});

test('remembers what was closed, whatever the grace is after a restart', () => {
  const store = new Map<string, number>();
  const before = new CloseHorizon(store, 10);
  before.save();
  expect(store.size).toBe(0);
  before.advance(100);
  before.save();
  const shorter = new CloseHorizon(store, 5);
  shorter.restore(100);
  expect([shorter.emittedMs, shorter.ms]).toEqual([90, 95]);
  const longer = new CloseHorizon(store, 50);
  longer.restore(100);
  expect([longer.emittedMs, longer.ms]).toEqual([90, 90]);
  const fresh = new CloseHorizon(new Map<string, number>(), 50);
  fresh.restore(100);
  expect([fresh.emittedMs, fresh.ms]).toEqual([50, 50]);
});
