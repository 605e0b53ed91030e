import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SpaceSaving, type PackedSpaceSaving } from './space-saving.ts';

const CAPACITY = 5;
const items = fc.array(fc.integer({ min: 0, max: 24 }), { maxLength: 200 });

function summaryOf(list: readonly number[]): SpaceSaving<number> {
  const summary = new SpaceSaving<number>(CAPACITY);
  for (const item of list) summary.add(item);
  return summary;
}

function expectBounds(summary: SpaceSaving<number>, list: readonly number[]): void {
  const [floor] = summary.pack();
  const counters = summary.top(CAPACITY);
  const named = new Set(counters.map(({ item }) => item));
  const truth = (item: number): number => list.filter((other) => other === item).length;
  const bound = list.length / CAPACITY;
  for (const { item, count, error } of counters) {
    expect(count - error).toBeLessThanOrEqual(truth(item));
    expect(count).toBeGreaterThanOrEqual(truth(item));
    expect(error).toBeLessThanOrEqual(bound);
  }
  for (const item of new Set(list)) if (!named.has(item)) expect(truth(item)).toBeLessThanOrEqual(floor);
  expect(floor).toBeLessThanOrEqual(bound);
  expect(counters.reduce((total, { count }) => total + count, 0)).toBeLessThanOrEqual(list.length);
}

test('keeps its bounds through any tree of merges, and adding after them', () => {
  fc.assert(
    fc.property(fc.array(items, { minLength: 1, maxLength: 8 }), items, fc.nat(), (parts, rest, at) => {
      const summaries = parts.map(summaryOf);
      for (let pick = at; summaries.length > 1; pick += 1) {
        const [other] = summaries.splice(pick % summaries.length, 1);
        if (other !== undefined) summaries[pick % summaries.length]?.merge(other);
      }
      const [summary] = summaries;
      if (summary === undefined) return;
      expectBounds(summary, parts.flat());
      for (const item of rest) summary.add(item);
      expectBounds(summary, [...parts.flat(), ...rest]);
    }),
  );
});

test('merging is commutative to the last counter, and goes on alike after a restore', () => {
  fc.assert(
    fc.property(items, items, items, (a, b, rest) => {
      const left = summaryOf(a);
      left.merge(summaryOf(b));
      const right = summaryOf(b);
      right.merge(summaryOf(a));
      expect(left.pack()).toEqual(right.pack());
      const packed = JSON.parse(JSON.stringify(left.pack())) as PackedSpaceSaving<number>;
      const back = SpaceSaving.unpack(CAPACITY, packed);
      for (const item of rest) {
        left.add(item);
        back.add(item);
      }
      expect(back.pack()).toEqual(left.pack());
    }),
  );
});

test('of equal counts the last item in order gives way, and the first is named first', () => {
  const summary = summaryOf([4, 2, 0, 1, 3]);
  summary.add(9);
  expect(summary.top(3)).toEqual([
    { item: 9, count: 2, error: 1 },
    { item: 0, count: 1, error: 0 },
    { item: 1, count: 1, error: 0 },
  ]);
});
