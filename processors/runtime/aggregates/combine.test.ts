/* eslint-disable @typescript-eslint/unbound-method -- whether a method is there is all that is looked at */
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { accumulated, aggregatorLaws, resultOf, stored } from './aggregator.contract.ts';
import { combine, count, countIf, distinct, distinctApproximate, max, mean, sum } from './index.ts';

interface Order {
  readonly userId: string;
  readonly amountMinor: number;
  readonly isPaid: boolean;
}

const orders = fc.array(
  fc.record({
    userId: fc.constantFrom('ann', 'bob', 'eve'),
    amountMinor: fc.integer({ min: 0, max: 100_000 }),
    isPaid: fc.boolean(),
  }),
);

const sales = combine({
  orders: count(),
  revenue: sum((order: Order) => order.amountMinor),
  users: distinct((order: Pick<Order, 'userId'>) => order.userId),
  about: distinctApproximate((order: Order) => order.userId, { precision: 4 }),
  paid: combine({ count: countIf((order: Order) => order.isPaid), mean: mean((o: Order) => o.amountMinor) }),
});

aggregatorLaws(sales, { values: orders });
aggregatorLaws(combine({ orders: count(), revenue: sum((order: Order) => order.amountMinor) }), {
  values: orders,
});

describe('combine', () => {
  test('gives each field its own result', () => {
    fc.assert(
      fc.property(orders, (list) => {
        const result = resultOf(sales, list);
        expectTypeOf(result).toEqualTypeOf<{
          readonly orders: number;
          readonly revenue: number;
          readonly users: number;
          readonly about: number;
          readonly paid: { readonly count: number; readonly mean: number | null };
        }>();
        const amounts = list.map((order) => order.amountMinor);
        const revenue = amounts.reduce((total, amount) => total + amount, 0);
        const users = new Set(list.map((order) => order.userId)).size;
        expect(result).toEqual({
          orders: list.length,
          revenue,
          users,
          about: users,
          paid: {
            count: list.filter((order) => order.isPaid).length,
            mean: list.length === 0 ? null : revenue / list.length,
          },
        });
      }),
    );
  });

  test('takes only values that fit all fields', () => {
    expectTypeOf(sales.add).parameter(1).toExtend<Order>();
    expectTypeOf<Order>().toExtend<Parameters<typeof sales.add>[1]>();
    expectTypeOf<{ userId: string }>().not.toExtend<Parameters<typeof sales.add>[1]>();
  });

  test('names all fields and their layouts, so that no two are mistaken for each other', () => {
    expect(sales.layout).toBe(
      'combine(orders:count,revenue:sum,users:distinct,about:distinct(hll,4),paid:combine(count:countIf,mean:mean))',
    );
    expect(combine({ 'a:count,b': count() }).layout).toBe('combine("a:count,b":count)');
    expect(combine({ a: count(), b: count() }).layout).toBe('combine(a:count,b:count)');
  });

  test('keeps accumulators in the order of the fields', () => {
    const pair = combine({ z: count(), a: max((value: number) => value) });
    expect(accumulated(pair, [3, 5])).toEqual([2, [5]]);
  });

  test('subtracts where all fields can, and packs where one must', () => {
    const amount = (order: Order): number => order.amountMinor;
    expect(combine({ a: count(), b: max(amount) }).subtract).toBeUndefined();
    expect(combine({ a: count(), b: sum(amount) }).subtract).toBeDefined();
    expect(combine({ a: count(), b: sum(amount) }).pack).toBeUndefined();
  });

  test('adds a value to all fields or to none', () => {
    const accumulator = accumulated(sales, [{ userId: 'ann', amountMinor: 5, isPaid: true }]);
    const before = stored(sales, accumulator);
    const broken = { userId: 'eve', amountMinor: Number.NaN, isPaid: true };
    expect(() => sales.add(accumulator, broken)).toThrow('sum: NaN is no finite number');
    expect(stored(sales, accumulator)).toBe(before);
  });

  test('holds a field of any name', () => {
    const odd = combine({ ['__proto__']: count(), constructor: count() });
    expect(Object.entries(resultOf(odd, [1]))).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
    ]);
  });
});
