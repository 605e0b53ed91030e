import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Aggregator, Json } from './aggregator.ts';

export interface LawOptions<V, R> {
  readonly values: fc.Arbitrary<readonly V[]>;
  /** Asserts that two results of the same values agree; equal in every bit where not given. */
  readonly expectSame?: (result: R, expected: R, values: readonly V[]) => void;
}

/** The accumulator of values added one after the other. */
export function accumulated<V, A, R>(aggregator: Aggregator<V, A, R>, values: readonly V[]): A {
  return values.reduce((accumulator, value) => aggregator.add(accumulator, value), aggregator.init());
}

/** The result of values added one after the other. */
export function resultOf<V, A, R>(aggregator: Aggregator<V, A, R>, values: readonly V[]): R {
  return aggregator.result(accumulated(aggregator, values));
}

/** The bytes of a changelog. */
export function stored<A, R>(aggregator: Aggregator<never, A, R>, accumulator: A): string {
  return JSON.stringify(aggregator.pack === undefined ? accumulator : aggregator.pack(accumulator));
}

/** An accumulator after a way through the changelog. */
export function restored<A, R>(aggregator: Aggregator<never, A, R>, text: string): A {
  const json = JSON.parse(text) as Json;
  return aggregator.unpack === undefined ? (json as A) : aggregator.unpack(json);
}

/** The same values in another order. */
function shuffled<V>(values: fc.Arbitrary<readonly V[]>): fc.Arbitrary<[readonly V[], readonly V[]]> {
  return values.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list], { minLength: list.length })),
  );
}

/** What every aggregator promises, whatever it computes. */
export function aggregatorLaws<V, A, R>(
  aggregator: Aggregator<V, A, R>,
  { values, expectSame = (result, expected) => expect(result).toEqual(expected) }: LawOptions<V, R>,
): void {
  const add = (list: readonly V[]): A => accumulated(aggregator, list);
  const merged = (into: A, other: A): R => aggregator.result(aggregator.merge(into, other));

  describe(`laws of ${aggregator.layout}`, () => {
    test('the order of values does not matter', () => {
      fc.assert(
        fc.property(shuffled(values), ([list, other]) => {
          expectSame(resultOf(aggregator, other), resultOf(aggregator, list), list);
        }),
      );
    });

    test('values split anywhere and merged are as good as all in one', () => {
      fc.assert(
        fc.property(fc.array(values, { maxLength: 5 }), (parts) => {
          const all = parts.flat();
          const whole = parts
            .map(add)
            .reduce((into, part) => aggregator.merge(into, part), aggregator.init());
          expectSame(aggregator.result(whole), resultOf(aggregator, all), all);
        }),
      );
    });

    test('merging is commutative and associative', () => {
      fc.assert(
        fc.property(values, values, values, (a, b, c) => {
          expectSame(merged(add(a), add(b)), merged(add(b), add(a)), [...a, ...b]);
          const leftFirst = merged(aggregator.merge(add(a), add(b)), add(c));
          const rightFirst = merged(add(a), aggregator.merge(add(b), add(c)));
          expectSame(leftFirst, rightFirst, [...a, ...b, ...c]);
        }),
      );
    });

    test('what was merged stays as it was, also when the other goes on', () => {
      fc.assert(
        fc.property(values, values, values, (a, b, c) => {
          const other = add(b);
          const before = stored(aggregator, other);
          const into = aggregator.merge(add(a), other);
          c.reduce((accumulator, value) => aggregator.add(accumulator, value), into);
          expect(stored(aggregator, other)).toBe(before);
        }),
      );
    });

    test('an accumulator comes back from the changelog and goes on as before', () => {
      fc.assert(
        fc.property(values, values, (before, after) => {
          const accumulator = add(before);
          const text = stored(aggregator, accumulator);
          const back = restored(aggregator, text);
          expect(stored(aggregator, back)).toBe(text);
          expect(aggregator.result(back)).toEqual(aggregator.result(accumulator));
          const goOn = (from: A): A => after.reduce((state, value) => aggregator.add(state, value), from);
          expect(stored(aggregator, goOn(back))).toBe(stored(aggregator, goOn(accumulator)));
        }),
      );
    });

    if (aggregator.subtract === undefined) return;
    test('taking values out undoes adding them', () => {
      fc.assert(
        fc.property(values, shuffled(values), (kept, [extra, outOrder]) => {
          const all = add([...kept, ...extra]);
          const left = outOrder.reduce((state, value) => aggregator.subtract?.(state, value) ?? state, all);
          expectSame(aggregator.result(left), resultOf(aggregator, kept), [...kept, ...extra]);
        }),
      );
    });
  });
}
