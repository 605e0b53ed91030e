import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Aggregator, Json } from './aggregator.ts';
import { aggregatorLaws, resultOf } from './aggregator.contract.ts';
import { custom } from './custom.ts';

/** The product of bigints: an accumulator that is no JSON, and methods that need `this`. */
class Product implements Aggregator<number, bigint, string> {
  readonly layout = 'product';
  readonly #one = 1n;

  init(): bigint {
    return this.#one;
  }

  add(accumulator: bigint, value: number): bigint {
    this.check(value);
    return this.merge(accumulator, BigInt(value));
  }

  merge(into: bigint, other: bigint): bigint {
    return (into * other) / this.#one;
  }

  subtract(accumulator: bigint, value: number): bigint {
    return accumulator / (BigInt(value) * this.#one);
  }

  check(value: number): void {
    if (BigInt(value) * this.#one === 0n) throw new RangeError('product: 0 cannot be taken out again');
  }

  result(accumulator: bigint): string {
    return (accumulator * this.#one).toString();
  }

  pack(accumulator: bigint): Json {
    return this.result(accumulator);
  }

  unpack(packed: Json): bigint {
    return BigInt(packed as string) * this.#one;
  }
}

const product = custom(new Product());

aggregatorLaws(product, { values: fc.array(fc.integer({ min: 1, max: 9 })) });

describe('custom', () => {
  test('computes what it was given, under a layout of its own', () => {
    expect(resultOf(product, [2, 3, 7])).toBe('42');
    expect(product.layout).toBe('custom(product)');
    expect(() => product.check?.(0)).toThrow(RangeError);
  });

  test('lacks what the definition lacks', () => {
    const plain = custom({
      layout: 'total',
      init: () => 0,
      add: (accumulator, value: number) => accumulator + value,
      merge: (into, other) => into + other,
      result: (accumulator) => accumulator,
    });
    expect(Object.keys(plain)).toEqual(['layout', 'init', 'add', 'merge', 'result']);
    expect(resultOf(plain, [1, 2])).toBe(3);
  });

  test('refuses half of a packing, and an empty layout', () => {
    const half: Aggregator<number, number, number> = {
      layout: 'half',
      init: () => 0,
      add: (accumulator) => accumulator,
      merge: (into) => into,
      result: (accumulator) => accumulator,
      pack: (accumulator) => accumulator,
    };
    expect(() => custom(half)).toThrow('custom(half): pack and unpack belong together');
    expect(() => custom({ ...half, layout: '' })).toThrow('custom: an aggregator needs a layout');
  });
});
