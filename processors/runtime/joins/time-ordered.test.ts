import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeOrdered, type Ordered } from './time-ordered.ts';

interface Model {
  readonly items: Ordered[];
  readonly list: TimeOrdered<Ordered>;
}

type Action =
  | { readonly kind: 'insert'; readonly timesMs: readonly number[] }
  | { readonly kind: 'drop'; readonly count: number }
  | { readonly kind: 'within'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'last'; readonly untilMs: number; readonly modulus: number };

const times = fc.integer({ min: 0, max: 400 });
const actions: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      timesMs: fc.oneof(
        fc.array(times, { maxLength: 200, size: 'max' }),
        // Runs of one time, longer than a chunk.
        fc.tuple(times, fc.nat(600)).map(([timeMs, count]) => Array.from({ length: count }, () => timeMs)),
      ),
    }),
  },
  fc.record({ kind: fc.constant('drop' as const), count: fc.nat(300) }),
  fc.record({ kind: fc.constant('within' as const), fromMs: times, toMs: times }),
  fc.record({ kind: fc.constant('last' as const), untilMs: times, modulus: fc.integer({ min: 1, max: 5 }) }),
);

test('behaves as a sorted array', () => {
  fc.assert(
    fc.property(fc.array(actions, { maxLength: 30 }), (run) => {
      const model: Model = { items: [], list: new TimeOrdered() };
      let sequence = 0;
      for (const action of run) sequence = act(model, action, sequence);
      expect(visited(model.list, 0, 400)).toEqual(model.items);
    }),
    { numRuns: 300 },
  );
});

function act({ items, list }: Model, action: Action, sequence: number): number {
  switch (action.kind) {
    case 'insert':
      for (const timeMs of action.timesMs) {
        const item = { timeMs, sequence: sequence++ };
        items.push(item);
        list.insert(item);
      }
      items.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence);
      break;
    case 'drop':
      for (let count = 0; count < action.count; count++) list.dropFirst();
      items.splice(0, action.count);
      break;
    case 'within': {
      const { fromMs, toMs } = action;
      const expected = items.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
      expect(visited(list, fromMs, toMs)).toEqual(expected);
      break;
    }
    case 'last': {
      const accepts = (item: Ordered) => item.sequence % action.modulus === 0;
      const expected = items.findLast((item) => item.timeMs <= action.untilMs && accepts(item));
      expect(list.findLast(action.untilMs, accepts)).toBe(expected);
    }
  }
  expect(list.first).toBe(items[0]);
  return sequence;
}

function visited(list: TimeOrdered<Ordered>, fromMs: number, toMs: number): Ordered[] {
  const seen: Ordered[] = [];
  list.forEachWithin(fromMs, toMs, (item) => seen.push(item));
  return seen;
}

test('looks at few items whatever the number: in order, from the end, all at one time, anywhere', () => {
  let looks = 0;
  const item = (timeMs: number, sequence: number): Ordered => ({
    get timeMs() {
      looks += 1;
      return timeMs;
    },
    sequence,
  });
  const count = 20_000;
  const orders = {
    forwards: (index: number) => index,
    backwards: (index: number) => count - index,
    equal: () => 7,
    scattered: (index: number) => (index * 7919) % count,
  };
  for (const [name, timeOf] of Object.entries(orders)) {
    const list = new TimeOrdered<Ordered>();
    let most = 0;
    for (let index = 0; index < count; index++) {
      const added = item(timeOf(index), index);
      looks = 0;
      list.insert(added);
      most = Math.max(most, looks);
    }
    expect(most, name).toBeLessThanOrEqual(100);
    looks = 0;
    for (let index = 0; index < count; index++) list.dropFirst();
    expect(list.first).toBeUndefined();
    expect(looks, name).toBe(0);
  }
});
