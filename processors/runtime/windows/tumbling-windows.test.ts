import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedStore } from '../state/keyed-store.ts';
import { TumblingWindows, type WindowResult } from './tumbling-windows.ts';

interface Sum {
  count: number;
  sum: number;
}

const SIZE_MS = 60;

function windows(graceMs: number, store = new KeyedStore<Sum>('w')) {
  const emitted: WindowResult<Sum>[] = [];
  const made = new TumblingWindows<Sum>(store, {
    name: 'w',
    sizeMs: SIZE_MS,
    graceMs,
    init: () => ({ count: 0, sum: 0 }),
    emit: (result) => emitted.push({ ...result, value: { ...result.value } }),
  });
  const add = (key: string, timeMs: number, amount = 1) =>
    made.add(key, timeMs, (accumulator) => {
      accumulator.count += 1;
      accumulator.sum += amount;
    });
  return { made, add, emitted, store };
}

test('a window holds [start, end): the event at its end belongs to the next', () => {
  const { made, add, emitted } = windows(0);
  add('a', 0);
  add('a', 59);
  add('a', 60);
  add('a', -1);
  made.emitUpdates();
  expect(emitted.map(({ windowStartMs, value }) => [windowStartMs, value.count])).toEqual([
    [0, 2],
    [60, 1],
    [-60, 1],
  ]);
});

test('emits the absolute value of what changed, once for each call', () => {
  const { made, add, emitted } = windows(0);
  add('a', 1, 5);
  add('b', 1, 7);
  made.emitUpdates();
  add('a', 2, 5);
  made.emitUpdates();
  made.emitUpdates();
  expect(emitted.map(({ key, value, reason }) => [key, value.sum, reason])).toEqual([
    ['a', 5, 'update'],
    ['b', 7, 'update'],
    ['a', 10, 'update'],
  ]);
});

test('closes when the watermark reaches the end plus the grace, the oldest first, and says why', () => {
  const { made, add, emitted, store } = windows(10);
  add('a', 70);
  add('a', 1);
  made.advance(69, 'watermark');
  expect(emitted).toEqual([]);
  made.advance(70, 'watermark');
  made.advance(1000, 'idle');
  expect(emitted.map(({ windowStartMs, reason }) => [windowStartMs, reason])).toEqual([
    [0, 'watermark'],
    [60, 'idle'],
  ]);
  expect(store.size).toBe(0);
});

test('a closed window is final: its event is late and changes nothing, one just inside the grace counts', () => {
  const { made, add, emitted } = windows(10);
  add('a', 1);
  made.advance(69, 'watermark');
  expect(add('a', 59).kind).toBe('ok');
  made.advance(70, 'watermark');
  expect(add('a', 59)).toEqual({ kind: 'late', windowStartMs: 0, windowEndMs: 60 });
  made.emitUpdates();
  made.advance(1000, 'watermark');
  expect(emitted.map(({ value, reason }) => [value.count, reason])).toEqual([[2, 'watermark']]);
});

test('windows that were never opened are closed too', () => {
  const { made, add } = windows(0);
  made.advance(120, 'watermark');
  expect([add('a', 119).kind, add('a', 120).kind]).toEqual(['late', 'ok']);
});

test('a watermark that goes back opens nothing again', () => {
  const { made, add } = windows(0);
  made.advance(60, 'watermark');
  made.advance(10, 'watermark');
  expect(add('a', 1).kind).toBe('late');
});

interface Click {
  readonly key: string;
  readonly timeMs: number;
  readonly amount: number;
}

const clicks = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c|d'),
    timeMs: fc.integer({ min: 0, max: 1200 }),
    amount: fc.integer({ min: -5, max: 100 }),
  }),
  { maxLength: 150 },
);

/** Sorted by time and then shuffled, no event overtaking another by more than the bound. */
const shuffled = (boundMs: number) =>
  fc
    .tuple(clicks, fc.array(fc.integer({ min: 0, max: boundMs }), { minLength: 150, maxLength: 150 }))
    .map(([all, delays]) =>
      all
        .map((click, index) => ({ click, arrival: click.timeMs + (delays[index] ?? 0) }))
        .sort((a, b) => a.arrival - b.arrival)
        .map(({ click }) => click),
    );

function oracle(all: readonly Click[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { key, timeMs, amount } of all) {
    const id = `${Math.floor(timeMs / SIZE_MS) * SIZE_MS} ${key}`;
    const { count, sum } = sums.get(id) ?? { count: 0, sum: 0 };
    sums.set(id, { count: count + 1, sum: sum + amount });
  }
  return sums;
}

function lastByWindow(emitted: readonly WindowResult<Sum>[]): Map<string, Sum> {
  return new Map(emitted.map(({ windowStartMs, key, value }) => [`${windowStartMs} ${key}`, value]));
}

test('with disorder inside out-of-order bound plus grace, every window ends at the true value, restarts included', () => {
  const cases = fc
    .record({ outOfOrderMs: fc.integer({ min: 0, max: 90 }), graceMs: fc.integer({ min: 0, max: 90 }) })
    .chain((bounds) =>
      fc.record({
        bounds: fc.constant(bounds),
        events: shuffled(bounds.outOfOrderMs + bounds.graceMs),
        commitEvery: fc.integer({ min: 1, max: 20 }),
        restartEvery: fc.integer({ min: 5, max: 60 }),
      }),
    );
  fc.assert(
    fc.property(cases, ({ bounds: { outOfOrderMs, graceMs }, events, commitEvery, restartEvery }) => {
      let running = windows(graceMs);
      const emitted: WindowResult<Sum>[] = [];
      const log: { key: string; value: Buffer | null }[] = [];
      let watermarkMs = Number.NEGATIVE_INFINITY;
      events.forEach((click, index) => {
        expect(running.add(click.key, click.timeMs, click.amount).kind).toBe('ok');
        watermarkMs = Math.max(watermarkMs, click.timeMs - outOfOrderMs);
        running.made.advance(watermarkMs, 'watermark');
        if (index % commitEvery === 0) running.made.emitUpdates();
        if (index % restartEvery !== 0) return;
        running.made.emitUpdates();
        log.push(...running.store.takeChanges());
        emitted.push(...running.emitted);
        running = windows(graceMs);
        for (const { key, value } of log) running.store.restore(key, value);
        running.made.rebuild(watermarkMs);
      });
      running.made.advance(Number.MAX_SAFE_INTEGER, 'idle');
      emitted.push(...running.emitted);
      expect(lastByWindow(emitted)).toEqual(oracle(events));
      const closed = emitted.filter(({ reason }) => reason !== 'update');
      expect(closed).toHaveLength(oracle(events).size);
      expect(running.store.size).toBe(0);
    }),
  );
});

test('with any disorder, windows hold exactly the events that were not reported late', () => {
  fc.assert(
    fc.property(clicks, fc.integer({ min: 0, max: 60 }), (events, graceMs) => {
      const { made, add, emitted } = windows(graceMs);
      const counted: Click[] = [];
      for (const click of events) {
        const result = add(click.key, click.timeMs, click.amount);
        if (result.kind === 'ok') counted.push(click);
        else expect(result.kind).toBe('late');
        made.advance(click.timeMs, 'watermark');
      }
      made.advance(Number.MAX_SAFE_INTEGER, 'idle');
      expect(lastByWindow(emitted)).toEqual(oracle(counted));
    }),
  );
});
