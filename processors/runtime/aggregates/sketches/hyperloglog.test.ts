import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyHash, hashItem, type Hash64 } from './hash64.ts';
import { HyperLogLog } from './hyperloglog.ts';

function hashFrom(high: number, low: number): Hash64 {
  return Uint32Array.of(high, low);
}

function sketchOf(precision: number, hashes: readonly Hash64[]): HyperLogLog {
  const sketch = new HyperLogLog(precision);
  for (const hash of hashes) sketch.add(hash);
  return sketch;
}

/** Hashes of n numbers that no other seed has. */
function numbersFrom(seed: number, n: number): Hash64[] {
  return Array.from({ length: n }, (_, index) => {
    const hash = emptyHash();
    hashItem(seed * 1e9 + index, hash);
    return hash;
  });
}

/** Words with long runs of zeros, where ranks are decided. */
const word = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.nat({ max: 31 }), fc.nat({ max: 31 }))
  .map(([bits, right, left]) => ((bits >>> right) << left) >>> 0);
const hashes = fc.array(fc.tuple(word, word).map(([high, low]) => hashFrom(high, low)));
const precision = fc.integer({ min: 4, max: 8 });

/** The registers of a HyperLogLog from the bits of the hashes, as the paper defines them. */
function registersByDefinition(p: number, list: readonly Hash64[]): Map<number, number> {
  const registers = new Map<number, number>();
  for (const [high = 0, low = 0] of list) {
    const bits = ((BigInt(high) << 32n) | BigInt(low)).toString(2).padStart(64, '0');
    const index = Number.parseInt(bits.slice(0, p), 2);
    const rank = `${bits.slice(p)}1`.indexOf('1') + 1;
    registers.set(index, Math.max(rank, registers.get(index) ?? 0));
  }
  return registers;
}

describe('HyperLogLog', () => {
  test('has the same registers whether hashes came while it was sparse, dense or by merging', () => {
    fc.assert(
      fc.property(precision, hashes, fc.nat(), (p, list, at) => {
        // Enough others to leave the sparse state.
        const others = numbersFrom(1, 3 * 2 ** (p - 4) + 20);
        const first = sketchOf(p, [...list, ...others]).pack();
        const split = at % (list.length + 1);
        const merged = sketchOf(p, others);
        merged.merge(sketchOf(p, list.slice(0, split)));
        for (const hash of list.slice(split)) merged.add(hash);
        expect(sketchOf(p, [...others, ...list]).pack()).toBe(first);
        expect(merged.pack()).toBe(first);
      }),
    );
  });

  test('keeps in each register the greatest rank, as defined', () => {
    fc.assert(
      fc.property(hashes, (list) => {
        const all = [...list, ...numbersFrom(2, 40)];
        const bytes = Buffer.from(sketchOf(6, all).pack(), 'base64').subarray(1).toString('hex');
        const bits = BigInt(`0x${bytes}`)
          .toString(2)
          .padStart(6 * 64, '0');
        const expected = registersByDefinition(6, all);
        for (let index = 0; index < 64; index++)
          expect(Number.parseInt(bits.slice(6 * index, 6 * index + 6), 2)).toBe(expected.get(index) ?? 0);
      }),
    );
  });

  test('counts almost exactly up to its bound, and a hash once', () => {
    for (const p of [4, 10, 14]) {
      const bound = 3 * 2 ** (p - 4);
      const list = numbersFrom(3, bound);
      const sketch = sketchOf(p, [...list, ...list]);
      expect(Math.round(sketch.estimate())).toBe(bound);
      expect(sketch.pack().startsWith('A')).toBe(true);
    }
  });

  test.each([4, 10, 12, 18])('comes back from its bytes at precision %i, sparse and dense', (p) => {
    for (const n of [0, 1, 17, 300, 3000, 40_000]) {
      const sketch = sketchOf(p, numbersFrom(4, n));
      const back = HyperLogLog.unpack(p, sketch.pack());
      expect(back.estimate()).toBe(sketch.estimate());
      expect(back.pack()).toBe(sketch.pack());
      const rest = numbersFrom(5, 50);
      for (const hash of rest) back.add(hash);
      expect(back.pack()).toBe(sketchOf(p, [...numbersFrom(4, n), ...rest]).pack());
    }
  });

  test.each([
    { p: 4, rounds: 400 },
    { p: 8, rounds: 100 },
    { p: 12, rounds: 20 },
    { p: 15, rounds: 5 },
  ])('at precision $p is hardly biased and has the standard error it states', ({ p, rounds }) => {
    const m = 2 ** p;
    const standardError = 1.04 / Math.sqrt(m);
    for (const n of [m / 2, 2 * m, 3 * m]) {
      const errors = Array.from(
        { length: rounds },
        (_, round) => sketchOf(p, numbersFrom(round + 10, n)).estimate() / n - 1,
      );
      const bias = errors.reduce((total, error) => total + error, 0) / rounds;
      const spread = Math.sqrt(errors.reduce((total, error) => total + error ** 2, 0) / rounds);
      // Of m registers a bias of the order of 1/m remains.
      expect(Math.abs(bias)).toBeLessThan(1 / m + (4 * standardError) / Math.sqrt(rounds));
      expect(spread).toBeLessThan(standardError * (1 + 4 / Math.sqrt(2 * rounds)));
    }
  });
});
