import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bought, historyValue, NO_HISTORY, viewed, type VisitorState } from './history.ts';

const actions = fc.array(
  fc.record({ itemId: fc.constantFrom('a', 'b', 'c', 'd', 'e'), atMs: fc.integer({ min: 0, max: 20 }) }),
  { maxLength: 60 },
);

describe.each([
  { name: 'viewed', add: viewed, list: (state: VisitorState) => state.viewed },
  { name: 'bought', add: bought, list: (state: VisitorState) => state.bought },
])('$name', ({ add, list }) => {
  test('is newest first and holds each item once, at its latest time, in whatever order things came', () => {
    fc.assert(
      fc.property(actions, (all) => {
        const state = all.reduce((so, { itemId, atMs }) => add(so, itemId, atMs), NO_HISTORY);
        const latest = new Map<string, number>();
        for (const { itemId, atMs } of all) latest.set(itemId, Math.max(atMs, latest.get(itemId) ?? 0));
        const times = list(state).map(({ atMs }) => atMs);
        expect(times).toEqual([...times].sort((a, b) => b - a));
        expect(new Map(list(state).map(({ itemId, atMs }) => [itemId, atMs]))).toEqual(latest);
        expect(list(state)).toHaveLength(latest.size);
      }),
    );
  });

  test('taking the same again changes nothing', () => {
    const once = add(add(NO_HISTORY, 'a', 5), 'b', 6);
    expect(list(add(once, 'a', 5))).toEqual(list(once));
  });
});

test('lists are bounded: the oldest go first, and what is older than a full list does not come in', () => {
  const full = Array.from({ length: 300 }, (_, n) => n).reduce(
    (so, n) => viewed(bought(so, `i${n}`, n), `i${n}`, n),
    NO_HISTORY,
  );
  expect([full.viewed.length, full.bought.length]).toEqual([50, 200]);
  expect([full.viewed[0]?.itemId, full.viewed.at(-1)?.itemId]).toEqual(['i299', 'i250']);
  expect(viewed(full, 'older', 3).viewed).toEqual(full.viewed);
});

test('views and purchases do not touch each other, nor the link', () => {
  const linked: VisitorState = { ...NO_HISTORY, linkedUserId: 'u' };
  expect(bought(viewed(linked, 'a', 1), 'b', 2)).toEqual({
    viewed: [{ itemId: 'a', atMs: 1 }],
    bought: [{ itemId: 'b', atMs: 2 }],
    linkedUserId: 'u',
  });
});

test('what serving reads does not name the user', () => {
  const state: VisitorState = { ...viewed(NO_HISTORY, 'a', 1), linkedUserId: 'secret' };
  expect(JSON.parse(historyValue(state))).toEqual({ viewed: [{ itemId: 'a', atMs: 1 }], bought: [] });
});
