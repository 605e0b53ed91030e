import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlidingMerge, type Stored } from './sliding-merge.ts';
import { TimeList } from './time-list.ts';

function merging(times: readonly number[]) {
  const store = new Map(times.map((timeMs) => [String(timeMs), [timeMs]] as const));
  const list = new TimeList<Stored>();
  for (const timeMs of times) list.insert({ timeMs, stateKey: String(timeMs) });
  let merges = 0;
  const merger = {
    init: (): number[] => [],
    merge: (into: number[], other: readonly number[]) => {
      merges += 1;
      into.push(...other);
      return into;
    },
  };
  const merge = new SlidingMerge(merger, (key) => store.get(key));
  return {
    store,
    over: (fromMs: number, untilMs: number) => merge.over(list, fromMs, untilMs),
    merges: () => merges,
  };
}

test('merges what lies in the interval, in order of time, as the interval moves forward', () => {
  const times = fc.uniqueArray(fc.nat(200), { maxLength: 60 });
  const moves = fc.array(fc.record({ from: fc.nat(30), until: fc.nat(30) }), { maxLength: 30 });
  fc.assert(
    fc.property(times, moves, (all, steps) => {
      const sorted = [...all].sort((a, b) => a - b);
      const { over, store } = merging(sorted);
      let [fromMs, untilMs] = [0, 0];
      for (const { from, until } of steps) {
        fromMs += from;
        untilMs = Math.max(untilMs + until, fromMs);
        const inside = sorted.filter((timeMs) => timeMs >= fromMs && timeMs < untilMs);
        expect(over(fromMs, untilMs) ?? []).toEqual(inside);
      }
      expect([...store.values()]).toEqual(sorted.map((timeMs) => [timeMs]));
    }),
  );
});

test('what the store does not have any more is passed over', () => {
  const { over, store } = merging([1, 2, 3, 4, 5]);
  expect(over(1, 5)).toEqual([1, 2, 3, 4]);
  store.delete('3');
  expect(over(2, 6)).toEqual([2, 4, 5]);
});

test('moving on costs the same however much the interval holds', () => {
  const costOf = (size: number) => {
    const { over, merges } = merging(Array.from({ length: 3000 }, (_, timeMs) => timeMs));
    for (let fromMs = 0; fromMs + size <= 3000; fromMs++) over(fromMs, fromMs + size);
    return merges() / (3000 - size + 1);
  };
  for (const size of [2, 10, 100, 1000]) expect(costOf(size)).toBeLessThan(6 * (3000 / (3000 - size)));
});
