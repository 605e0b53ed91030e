import { expect, test, vi } from 'vitest';
import { EventTimers } from './event-timers.ts';
import { KeyedStore } from '../state/keyed-store.ts';

function timersWithLog(store = new KeyedStore<number>('timers')) {
  const fired: [string, number][] = [];
  const timers = new EventTimers(store, (key, dueMs) => fired.push([key, dueMs]));
  return { store, timers, fired };
}

test('fires what is due at or before the watermark, the earliest first, once', () => {
  const { timers, fired } = timersWithLog();
  timers.set('c', 30);
  timers.set('a', 10);
  timers.set('b', 20);
  timers.advance(9);
  expect(fired).toEqual([]);
  timers.advance(20);
  timers.advance(20);
  expect(fired).toEqual([
    ['a', 10],
    ['b', 20],
  ]);
  expect(timers.dueMs('c')).toBe(30);
});

test('a timer that was moved fires at its new time only', () => {
  const { timers, fired } = timersWithLog();
  timers.set('a', 10);
  timers.set('a', 40);
  timers.advance(39);
  expect(fired).toEqual([]);
  timers.set('a', 20);
  timers.advance(100);
  expect(fired).toEqual([['a', 20]]);
});

test('a cancelled timer does not fire, and one set again does', () => {
  const { timers, fired } = timersWithLog();
  timers.set('a', 10);
  timers.cancel('a');
  timers.advance(10);
  expect(fired).toEqual([]);
  timers.set('a', 10);
  timers.advance(10);
  expect(fired).toEqual([['a', 10]]);
});

test('a timer that firing sets fires in the same advance when it is due', () => {
  const fired: string[] = [];
  const timers: EventTimers = new EventTimers(new KeyedStore('timers'), (key, dueMs) => {
    fired.push(key);
    if (key === 'a') timers.set('b', dueMs + 5);
    if (key === 'b') timers.set('c', dueMs + 50);
  });
  timers.set('a', 10);
  timers.advance(20);
  expect(fired).toEqual(['a', 'b']);
  expect(timers.dueMs('c')).toBe(65);
});

test('timers come back from the changelog', () => {
  const before = timersWithLog();
  before.timers.set('a', 10);
  before.timers.set('b', 20);
  before.timers.set('b', 25);
  before.timers.cancel('a');
  const { store, timers, fired } = timersWithLog();
  for (const { key, value } of before.store.takeChanges()) store.restore(key, value);
  timers.rebuild();
  timers.advance(24);
  expect(fired).toEqual([]);
  timers.advance(25);
  expect(fired).toEqual([['b', 25]]);
});

test('of timers that are due at one time the order is that of their keys, whatever was set first', () => {
  const { timers, fired } = timersWithLog();
  for (const key of ['b', 'c', 'a']) timers.set(key, 10);
  timers.advance(10);
  expect(fired.map(([key]) => key)).toEqual(['a', 'b', 'c']);
});

test('a timer that is cancelled and set again without end does not grow the heap: it is made anew', () => {
  const { store, timers, fired } = timersWithLog();
  const walks = vi.spyOn(store, 'entries');
  timers.set('other', 10);
  for (let round = 0; round < 5_000; round++) {
    timers.set('a', 1_000_000 - round);
    timers.cancel('a');
  }
  timers.set('a', 20);
  timers.advance(20);
  expect(fired).toEqual([
    ['other', 10],
    ['a', 20],
  ]);
  expect(walks).toHaveBeenCalledTimes(4);
});

test('as a part of a task it follows the watermark or the clock', () => {
  const { timers, fired } = timersWithLog();
  const [byEventTime, byClock] = [timers.byEventTime(), timers.byClock()];
  expect([byEventTime.isPending, 'isPending' in byClock]).toEqual([false, false]);
  timers.set('a', 10);
  timers.set('b', 20);
  expect(byEventTime.isPending).toBe(true);
  byEventTime.advance(10);
  byClock.tick(20);
  expect(fired).toEqual([
    ['a', 10],
    ['b', 20],
  ]);
  expect(['tick' in byEventTime, 'advance' in byClock]).toEqual([false, false]);
});
